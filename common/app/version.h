/* version.h - the version of this build: `git describe`, or "unversioned". */
#ifndef WARD_APP_VERSION_H
#define WARD_APP_VERSION_H

extern const char ward_version[];

#endif
