# vigie: build, run, test. `make help` lists what there is.
#   B=DIR      build folder (build)      SAN=address,undefined or thread      CC=clang      V=1 shows every command
B    ?= build
SAN  ?=
PKGS := libevent libevent_pthreads libcurl libpcre2-8 jansson libutf8proc yaml-0.1 sqlite3 libzstd zlib libbrotlidec libcrypto

SRC     := $(wildcard base/*.c checks/*.c checks/*/*.c proxy/*.c proxy/*/*.c store/*.c report/*.c)
CLI     := $(wildcard cli/*.c)
TOOLS   := $(wildcard tools/*.c)
UNIT    := $(wildcard tests/unit/test_*.c)
OBJ     := $(SRC:%.c=$B/%.o)
CLIOBJ  := $(CLI:%.c=$B/%.o)
UNITBIN := $(UNIT:tests/unit/%.c=$B/unit/%)

COMMIT   := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
WARN     := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2 -Wpointer-arith -Wundef
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
CPPFLAGS += -D_GNU_SOURCE -I. -I$B -MMD -MP $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS   ?= -O2 -g
comma    := ,
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm
Q0 := @
Q   = $(Q$(or $V,0))
SAY = @printf '  %-5s %s\n'

all: $B/vigie  ## the vigie binary
$B/vigie: $(CLIOBJ) $B/libvigie.a
	$(SAY) LINK $@
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$B/libvigie.a: $(OBJ)
	$(SAY) AR $@
	$Qrm -f $@ && ar rcs $@ $^
$B/%.o: %.c
	$(SAY) CC $<
	$Qmkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) $(HARDEN) $(SANFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$B/unit/%: tests/unit/%.c $B/libvigie.a
	$(SAY) LINK $@
	$Qmkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) $(SANFLAGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $B/libvigie.a $(LDLIBS) -lcmocka
$B/tools/%: tools/%.c $B/libvigie.a
	$(SAY) LINK $@
	$Qmkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) $(SANFLAGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $B/libvigie.a $(LDLIBS)

help:  ## this list
	@sed -n 's/^\([a-z][a-z -]*\):.*## /\1\t/p' Makefile | expand -t22
clean:  ## forget everything built
	rm -rf build
.PHONY: all help clean
.SECONDARY:
-include $(wildcard $B/*/*.d $B/*/*/*.d)
