/* A library whose calls reach libc in other ways than the program's. */
#include "mark.h"

int plugin_mark(uint32_t n) { return mark(n); }

#ifdef EARLY
__attribute__((constructor)) static void early(void) { mark(9); }
#endif
