package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/http/certs"
)

// certCommand makes a certificate for development, signed by an authority of this
// machine, and prints how to trust that authority.
func certCommand(t *terminals, args []string, _ func(string) string) int {
	f := pflag.NewFlagSet("cert", pflag.ContinueOnError)
	folder := f.String("folder", "", "folder of the files")
	f.Usage = func() {}
	if err := f.Parse(args); err != nil {
		return t.fail(explainFlag(err, f))
	}
	names := f.Args()
	if len(names) == 0 {
		names = []string{"localhost", "127.0.0.1", "::1"}
	}
	if *folder == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return t.fail(fmt.Errorf("%w: set the folder with --folder", err))
		}
		*folder = filepath.Join(config, "bobbin")
	}
	made, err := certs.Make(time.Now(), *folder, names...)
	if err != nil {
		return t.fail(err)
	}
	fmt.Fprintf(t.out, "certificate  %s\nkey          %s\nuntil        %s\n", made.Pair.Cert, made.Pair.Key, made.Until.Format(time.DateOnly))
	fmt.Fprintf(t.out, "\nTo serve with it:\n\n  bobbin --tls-cert %q --tls-key %q\n", made.Pair.Cert, made.Pair.Key)
	if made.New {
		fmt.Fprintf(t.out, `
A new authority has signed it: %s
A system that trusts this authority trusts everything signed by %s.

  macOS    sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain %[1]q
  Debian   sudo cp %[1]q /usr/local/share/ca-certificates/bobbin.crt && sudo update-ca-certificates
  Fedora   sudo trust anchor %[1]q
  FreeBSD  sudo cp %[1]q /usr/local/etc/ssl/certs/ && sudo certctl rehash
  Firefox  Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import
  Chrome   chrome://certificate-manager (on Linux it ignores the system's authorities)
  curl     curl --cacert %[1]q https://...
`, made.CA, filepath.Join(*folder, "ca-key.pem"))
	}
	return exitOK
}
