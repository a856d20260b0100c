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

// prerm stops the service before its program is removed, but not for an update. A socket
// goes first, because it would start the service again.
const prerm = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	for unit in bobbin.socket bobbin.service; do
		if [ -e "/usr/lib/systemd/system/$unit" ]; then
			systemctl disable --now --quiet "$unit"
		fi
	done
fi
`

// postrm removes on a purge what the service has written into the folders that systemd
// keeps for it, and files beside those of the package in /etc/bobbin.
const postrm = `#!/bin/sh
set -e
if [ "$1" = purge ]; then
	for place in /var/lib /var/log /var/cache; do
		rm -rf "$place/bobbin" "$place/private/bobbin"
	done
	rm -rf /etc/bobbin
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
`

// debChangelog has the version and the time, in the form that Debian's tools read.
const debChangelog = `bobbin (%s) unstable; urgency=medium

  * CHANGELOG.md.gz in this folder has the changes.

 -- The bobbin authors <bobbin-http@users.noreply.github.com>  %s
`

// copyrightText is the copyright file.
const copyrightText = `bobbin is made at https://github.com/bobbin-http/bobbin, where this package was
built from the source.

Copyright 2026 The bobbin authors

It is under the Apache License 2.0, which is in
/usr/share/common-licenses/Apache-2.0.

The program has parts of other projects. Their licences are in
/usr/share/doc/bobbin/THIRD_PARTY_LICENSES.txt.gz.
`

// lintianOverrides has the reasons for what lintian complains of.
const lintianOverrides = `# A program of Go has its libraries in it.
bobbin: statically-linked-binary [usr/bin/bobbin]
# The scripts ask for systemd first, and need no helper beside it.
bobbin: maintainer-script-calls-systemctl *
`
