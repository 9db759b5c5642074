#include "worker/journal.h"

#include <gtest/gtest.h>
TEST(X2,Y){}
