/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of the control socket.
 */
#ifndef AGENT_SOCKET_DIRECTORY_H
#define AGENT_SOCKET_DIRECTORY_H

/*
 * Makes the directory that the socket at path is to be in where it is missing: /run is empty after
 * each boot; a directory above that is missing is the administrator's mistake. The user whom the
 * agent becomes must be able to remove the socket in the end, so it gets what was made, and what an
 * agent that stayed root has made before. A failure shows when the socket is opened.
 */
void socket_directory_make(const char *path);

#endif
