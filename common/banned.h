/*
 * banned.h: functions that have no safe use here become compile errors.
 * snprintf, memcpy with known sizes and the buf module replace them.
 */
#ifndef COMMON_BANNED_H
#define COMMON_BANNED_H

/* System headers that mention the names come first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncat sprintf vsprintf gets strtok asctime ctime
#pragma GCC poison alloca mktemp tmpnam tempnam atoi atol atoll

#endif
