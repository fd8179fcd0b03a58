#include "theirs.h"
