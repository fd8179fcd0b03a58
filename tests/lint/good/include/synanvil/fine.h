#define FINE 1
