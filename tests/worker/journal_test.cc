#include "worker/journal.h"

#include <gtest/gtest.h>
TEST(X,Y){}
