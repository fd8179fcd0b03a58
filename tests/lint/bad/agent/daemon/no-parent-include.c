#include "../up.h"
