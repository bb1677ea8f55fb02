/* version.h - what this binary was built from: `git describe`, or "unversioned". */
#ifndef WARD_APP_VERSION_H
#define WARD_APP_VERSION_H

extern const char ward_version[];

#endif
