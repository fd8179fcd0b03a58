int verdicts(void) { return XDP_DROP; }
