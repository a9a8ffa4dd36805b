/*
 * banned.h: functions that have no safe use here become compile errors.
 * snprintf, memcpy with known sizes and strtoll replace them.
 */
#ifndef COMMON_BANNED_H
#define COMMON_BANNED_H

/* The headers that declare them come first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CARRICK_BANNED(function) function##_is_banned_see_common_banned_h

#undef strcpy
#define strcpy(...) CARRICK_BANNED(strcpy)
#undef strcat
#define strcat(...) CARRICK_BANNED(strcat)
#undef strncpy
#define strncpy(...) CARRICK_BANNED(strncpy)
#undef strncat
#define strncat(...) CARRICK_BANNED(strncat)
#undef sprintf
#define sprintf(...) CARRICK_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) CARRICK_BANNED(vsprintf)
#undef strtok
#define strtok(...) CARRICK_BANNED(strtok)
#undef atoi
#define atoi(...) CARRICK_BANNED(atoi)
#undef atol
#define atol(...) CARRICK_BANNED(atol)
#undef atoll
#define atoll(...) CARRICK_BANNED(atoll)
#undef mktemp
#define mktemp(...) CARRICK_BANNED(mktemp)
#undef tmpnam
#define tmpnam(...) CARRICK_BANNED(tmpnam)
#undef asctime
#define asctime(...) CARRICK_BANNED(asctime)
#undef ctime
#define ctime(...) CARRICK_BANNED(ctime)

#endif
