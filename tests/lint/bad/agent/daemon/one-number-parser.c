int number(const char *text) { return atoi(text); }
