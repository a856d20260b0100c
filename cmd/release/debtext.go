package main

// The texts of the Debian package.

// controlText has the version, the architecture and the installed size in KiB.
const controlText = `Package: bobbin
Version: %s
Architecture: %s
Maintainer: The bobbin authors <bobbin-http@users.noreply.github.com>
Installed-Size: %d
Recommends: ca-certificates
Section: httpd
Priority: optional
Homepage: https://github.com/bobbin-http/bobbin
Description: HTTP server for files, on an event loop
 bobbin serves a folder or a site over HTTP/1.1, HTTP/2 and HTTPS from one
 thread: a loop asks the kernel which sockets are ready, serves them, and asks
 again. It shows that loop at work in a browser and in the terminal, writes
 access logs and metrics, and gets certificates by ACME.
 .
 The service is installed, and neither enabled nor started.
`

// postinst has systemd read the units. A service that runs is restarted after an update,
// and one that does not is left alone.
const postinst = `#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	if [ -n "$2" ]; then
		systemctl try-restart bobbin.service
	fi
fi
`

// prerm stops the service before its program is removed, but not for an update.
const prerm = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl disable --now bobbin.socket bobbin.service
fi
`

// postrm removes on a purge what the service has written into the folders that systemd
// keeps for it.
const postrm = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	for place in /var/lib /var/cache /var/log; do
		rm -rf "$place/bobbin" "$place/private/bobbin"
	done
	rm -rf /etc/bobbin
fi
`

// copyrightText is the head of the copyright file. The licences follow.
const copyrightText = `bobbin is made at https://github.com/bobbin-http/bobbin, where this package was
built from the source. It is under the Apache License 2.0, which follows; Debian
has it in /usr/share/common-licenses/Apache-2.0, too. Behind it are the licences
of the projects whose parts are in the program.

`

// lintianOverrides has the reasons for what lintian complains of.
const lintianOverrides = `# A program of Go has its libraries in it.
bobbin: statically-linked-binary [usr/bin/bobbin]
# Built from the source by one command, not by Debian's tools.
bobbin: no-changelog *
`
