void shell(void) { system("no"); }
