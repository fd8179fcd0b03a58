void clock_read(void) { clock_gettime(0, 0); }
