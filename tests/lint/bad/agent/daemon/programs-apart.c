#include "cli_only.h"
