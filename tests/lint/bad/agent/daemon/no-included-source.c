#include "other.c"
