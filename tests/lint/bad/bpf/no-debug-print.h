void print(void) { bpf_printk("no"); }
