# vigie: build, run, test. Two commands are enough:
#   make run    installs what is missing, builds, and starts the demo
#   make test   installs what is missing, builds, and runs every test
# Others: see `make help`. Variables: B=DIR build folder, SAN=address,undefined or thread, CC=clang, V=1 shows every command,
# DATA=DIR labelled data for `eval` and `train`, UPSTREAM=URL for `run`.
B    ?= build
SAN  ?=
PREFIX ?= /usr/local
PKGS := libevent libevent_pthreads libcurl libpcre2-8 jansson libutf8proc yaml-0.1 sqlite3 libzstd zlib libbrotlidec libssl libcrypto libnghttp2

BUILD_PACKAGES := gcc make git ca-certificates pkg-config libevent-dev libcurl4-openssl-dev libpcre2-dev libjansson-dev libutf8proc-dev \
                  libyaml-dev libsqlite3-dev libzstd-dev zlib1g-dev libbrotli-dev libssl-dev libnghttp2-dev
TEST_PACKAGES  := $(BUILD_PACKAGES) openssl libcmocka-dev clang libclang-rt-14-dev nodejs npm chromium curl sqlite3 codespell shellcheck cppcheck

SRC     := $(wildcard base/*.c checks/*.c checks/*/*.c proxy/*.c proxy/*/*.c store/*.c report/*.c)
CLI     := $(wildcard cli/*.c)
TOOLS   := $(wildcard tools/*.c)
UNIT    := $(wildcard tests/unit/test_*.c)
FUZZ    := $(wildcard tests/fuzz/fuzz_*.c)
BENCH   := $(wildcard tests/bench/bench_*.c)
OBJ     := $(SRC:%.c=$B/%.o)
CLIOBJ  := $(CLI:%.c=$B/%.o)
UNITBIN := $(UNIT:tests/unit/%.c=$B/unit/%)
TOOLBIN := $(TOOLS:tools/%.c=$B/tools/%)
REPLAY  := $(FUZZ:tests/fuzz/%.c=$B/replay/%)

COMMIT   := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
WARN     := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2 -Wpointer-arith -Wundef
HARDEN   := -fstack-protector-strong $(if $(findstring clang,$(CC)),,-fstack-clash-protection) -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
CPPFLAGS += -D_GNU_SOURCE -I. -I$B -MMD -MP $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS   ?= -O2 -g
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined))
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm
COMPILE   = $(CC) -std=gnu11 $(WARN) $(HARDEN) $(SANFLAGS) $(CPPFLAGS) $(CFLAGS)
Q0 := @
Q   = $(Q$(or $V,0))
SAY = @printf '  %-5s %s\n'

all: $B/vigie  ## the vigie binary, $B/vigie
$B/vigie: $(CLIOBJ) $B/libvigie.a
	$(SAY) LINK $@
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$B/libvigie.a: $(OBJ)
	$(SAY) AR $@
	$Qrm -f $@ && ar rcs $@ $^
$B/%.o: %.c
	$(SAY) CC $<
	$Qmkdir -p $(@D) && $(COMPILE) -c -o $@ $<
$B/cli/main.o: CPPFLAGS += -DVIGIE_COMMIT='"$(COMMIT)"'
# Files that are put into the binary (.incbin is invisible to -MMD).
$B/cli/demo.o: $(wildcard cli/demo/*) rules/default.yaml
$B/cli/scan.o $B/cli/rules.o: rules/default.yaml
$B/checks/models.o: $(wildcard checks/models/*)
$B/unit/%: tests/unit/%.c $B/libvigie.a
	$(SAY) LINK $@
	$Qmkdir -p $(@D) && $(COMPILE) $(LDFLAGS) -o $@ $< $B/libvigie.a $(LDLIBS) -lbrotlienc -lcmocka
$B/tools/%: tools/%.c $B/libvigie.a
	$(SAY) LINK $@
	$Qmkdir -p $(@D) && $(COMPILE) $(LDFLAGS) -o $@ $< $B/libvigie.a $(LDLIBS)
$B/bench/%: tests/bench/%.c $B/libvigie.a
	$(SAY) LINK $@
	$Qmkdir -p $(@D) && $(COMPILE) $(LDFLAGS) -o $@ $< $B/libvigie.a $(LDLIBS)
# A fuzz target as a program that only runs the seeds it is given; in the suite these run under ASan.
$B/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $B/libvigie.a
	$(SAY) LINK $@
	$Qmkdir -p $(@D) && $(COMPILE) $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $B/libvigie.a $(LDLIBS)
$B/fuzzing/%: tests/fuzz/%.c $B/libvigie.a
	$(SAY) LINK $@
	$Qmkdir -p $(@D) && $(COMPILE) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $B/libvigie.a $(LDLIBS)

packages:  ## install what building needs (Debian)
	@tests/install $(BUILD_PACKAGES)
test-packages:  ## install what testing needs (Debian, npm)
	@tests/install $(TEST_PACKAGES)
run: packages  ## build, and start the demo; with UPSTREAM=URL, a proxy before that instead
	@$(MAKE) --no-print-directory all
	@tests/run $B/vigie "$(UPSTREAM)"
test: test-packages  ## build and run every test (unit, rules, fuzz seeds, end to end, ASan+UBSan, TSan)
	@tests/all
lint:  ## walls between rooms, headers alone, banned calls, spelling, shell scripts, cppcheck
	@tests/lint
unit: $(UNITBIN)  ## the unit tests alone
	@tests/units $(UNITBIN)
seeds: $(REPLAY)  ## the fuzz targets over their seeds
	@tests/seeds $(REPLAY)
e2e: $B/vigie  ## the end-to-end tests alone (TEST=file for one)
	@VIGIE=$(abspath $B/vigie) tests/e2e/run $(TEST)
fuzz:  ## fuzz each parser for a while (SECONDS_EACH=60, TARGET=name for one)
	@$(MAKE) --no-print-directory B=build/fuzz CC=clang SAN=address,undefined,fuzzer-no-link $(if $(TARGET),build/fuzz/fuzzing/fuzz_$(TARGET),$(FUZZ:tests/fuzz/%.c=build/fuzz/fuzzing/%))
	@tests/fuzz/run "$(TARGET)"
bench: $B/vigie $(BENCH:tests/bench/%.c=$B/bench/%)  ## ratios against nginx in the same run, and micro benchmarks
	@tests/bench/run $B
eval: $(filter $B/tools/eval_%,$(TOOLBIN))  ## the quality of each check on labelled data: make eval DATA=folder
	@tests/eval $B "$(DATA)"
train: $B/tools/train  ## learn the models anew: make train DATA=folder
	@tests/train $B "$(DATA)"
tools: $(TOOLBIN)
install: all  ## into PREFIX (/usr/local), DESTDIR before it
	install -Dm755 $B/vigie $(DESTDIR)$(PREFIX)/bin/vigie
	install -d $(DESTDIR)$(PREFIX)/share/vigie/rules/examples $(DESTDIR)$(PREFIX)/share/doc/vigie
	install -m644 rules/*.yaml $(DESTDIR)$(PREFIX)/share/vigie/rules/
	install -m644 rules/examples/*.yaml $(DESTDIR)$(PREFIX)/share/vigie/rules/examples/
	install -m644 README.md $(wildcard docs/*.md) $(DESTDIR)$(PREFIX)/share/doc/vigie/
help:  ## this list
	@sed -n 's/^\([a-z][a-z0-9 -]*\):.*## /\1\t/p' Makefile | expand -t16
clean:  ## forget everything built
	rm -rf build
.PHONY: all packages test-packages run test lint unit seeds e2e fuzz bench eval train tools install help clean
.SECONDARY:
-include $(wildcard $B/*/*.d $B/*/*/*.d)
