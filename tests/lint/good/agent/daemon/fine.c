#include "fine.h"

/* Comments may speak of bpf_map_lookup_elem(), atoi(), exit() and strcpy(). */
int fine(void)
{
	return 0;
}
