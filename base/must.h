/* SPDX-License-Identifier: Apache-2.0
 *
 * must(x): going on would corrupt memory or the record, so the process stops, in production too.
 * Nothing that input from outside can bring about may ever be asserted: that is trouble (base/trouble.h).
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H
#define must(x) ((x) ? (void)0 : must_failed(#x, __FILE__, __LINE__))
_Noreturn void must_failed(const char *what, const char *file, int line);
#endif
