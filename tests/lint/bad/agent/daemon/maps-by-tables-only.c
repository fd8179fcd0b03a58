int maps(void) { return bpf_map_lookup_elem(0, 0, 0); }
