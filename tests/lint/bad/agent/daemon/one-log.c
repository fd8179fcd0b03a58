void complain(void) { fprintf(stderr, "no"); }
