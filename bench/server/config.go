package server

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// The configurations of the installed servers. Each has its manual's recommendations
// for speed and nothing only for benchmarks; and as many connections as there may be
// descriptors.

const connections = 16_384

// me returns the current user: a server started by root would otherwise switch to a
// user without access to the scratch folder.
func me() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "root"
}

// onlySuite is the single cipher suite of servers that can be configured, so that all
// encrypt alike: Go prefers it where the hardware has AES.
const onlySuite = "TLS_AES_128_GCM_SHA256"

func nginx(w *Workshop, j Job) ([]string, error) {
	var security, extra string
	if j.TLS != nil {
		security = " ssl"
		extra = fmt.Sprintf(`
		ssl_certificate %q;
		ssl_certificate_key %q;
		ssl_protocols TLSv1.3;
		ssl_conf_command Ciphersuites %s;`, j.TLS.File, j.TLS.Key, onlySuite)
	}
	if j.Request.Protocol == HTTP2 {
		security += " http2" // in plain text, this is all that it speaks
	}
	temp := make([]string, 0, 5)
	for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp = append(temp, fmt.Sprintf("%s_temp_path %q;", of, filepath.Join(j.Scratch, of)))
	}
	path, err := j.write("nginx.conf", fmt.Sprintf(`
user %s;
daemon off;
worker_processes 1;
worker_rlimit_nofile %d;
pid %q;
error_log stderr error;
events { worker_connections %d; }
http {
	%s
	access_log off;
	default_type application/octet-stream;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 1000000000;
	keepalive_timeout %ss;
	open_file_cache max=1000 inactive=600s;
	open_file_cache_valid 60s;
	server {
		listen 127.0.0.1:%d backlog=4096%s;
		root %q;%s
		location = %s { default_type text/plain; return 200 %q; }
	}
}
`, me(), connections+100, filepath.Join(j.Scratch, "nginx.pid"), connections, strings.Join(temp, "\n\t"),
		seconds(j.Idle), j.Port, security, j.Folder, extra, HelloPath, Hello))
	return []string{w.programs["nginx"], "-p", j.Scratch, "-e", "stderr", "-c", path}, err
}

// haproxy refuses to start with fewer than two descriptors a connection; it needs
// one, since it has no backend.
func haproxy(w *Workshop, j Job) ([]string, error) {
	if j.Files {
		return nil, cannot("it serves no files")
	}
	var security string
	if j.TLS != nil {
		security = fmt.Sprintf(" ssl crt %q ssl-min-ver TLSv1.3 ciphersuites %s alpn http/1.1", j.TLS.Both, onlySuite)
	}
	path, err := j.write("haproxy.cfg", fmt.Sprintf(`
global
	nbthread 1
	maxconn %d
	no strict-limits
defaults
	mode http
	timeout client %[2]ss
	timeout http-request %[2]ss
	timeout http-keep-alive %[2]ss
	timeout server %[2]ss
	timeout connect 5s
frontend bench
	bind 127.0.0.1:%[3]d backlog 4096%[4]s
	http-request return status 200 content-type text/plain string %[5]q if { path %[6]s }
`, connections, seconds(j.Idle), j.Port, security, Hello, HelloPath))
	return []string{w.programs["haproxy"], "-db", "-f", path}, err
}

// lighttpdTLS is the module that a package of its own has.
const lighttpdTLS = "/usr/lib/lighttpd/mod_openssl.so"

// lighttpd accepts at most half as many connections as it has descriptors, and delays
// the others.
func lighttpd(w *Workshop, j Job) ([]string, error) {
	var security string
	if j.TLS != nil {
		if _, err := os.Stat(lighttpdTLS); err != nil {
			return nil, cannot("its TLS module is not installed: " + lighttpdTLS)
		}
		security = fmt.Sprintf(`
server.modules = ( "mod_openssl" )
ssl.engine = "enable"
ssl.pemfile = %q
ssl.privkey = %q
ssl.openssl.ssl-conf-cmd = ( "MinProtocol" => "TLSv1.3", "Ciphersuites" => %q )`, j.TLS.File, j.TLS.Key, onlySuite)
	}
	path, err := j.write("lighttpd.conf", fmt.Sprintf(`
server.bind = "127.0.0.1"
server.port = %d
server.document-root = %q
server.listen-backlog = 4096
server.max-fds = %d
server.max-connections = %d
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = %s
server.network-backend = "sendfile"
mimetype.assign = ( "" => "application/octet-stream" )%s
`, j.Port, j.Folder, 2*connections+100, connections, seconds(j.Idle), security))
	return []string{w.programs["lighttpd"], "-D", "-f", path}, err
}

func h2o(w *Workshop, j Job) ([]string, error) {
	var security string
	if j.TLS != nil {
		security = fmt.Sprintf(`
  ssl:
    certificate-file: %q
    key-file: %q`, j.TLS.File, j.TLS.Key)
	}
	path, err := j.write("h2o.yaml", fmt.Sprintf(`
user: %[1]q
num-threads: 1
max-connections: %[2]d
http1-request-timeout: %[3]s
http2-idle-timeout: %[3]s
file.send-gzip: OFF
file.send-compressed: OFF
listen:
  host: 127.0.0.1
  port: %[4]d%[5]s
hosts:
  default:
    paths:
      /:
        file.dir: %[6]q
`, me(), connections, seconds(j.Idle), j.Port, security, j.Folder))
	return []string{w.programs["h2o"], "-m", "worker", "-c", path}, err
}
