package main

import (
	"fmt"
	"slices"
	"strings"
)

// formulaText is the Homebrew formula. Each %s of the middle is the archive of a system
// and a processor.
const formulaText = `# Written by "go run ./cmd/release" from the checksums of the archives.
class Bobbin < Formula
  desc "HTTP server for files, on an event loop"
  homepage "https://github.com/bobbin-http/bobbin"
  version "%s"
  license "Apache-2.0"

%s
  def install
    bin.install "bobbin"
    man1.install "man/bobbin.1"
    bash_completion.install "completions/bobbin.bash" => "bobbin"
    zsh_completion.install "completions/_bobbin"
    fish_completion.install "completions/bobbin.fish"
    doc.install "README.md", "CHANGELOG.md", "THIRD_PARTY_LICENSES.txt"
    pkgshare.install "deploy"
  end

  service do
    run [opt_bin/"bobbin", "--quiet", var/"www"]
    keep_alive true
    log_path var/"log/bobbin.log"
    error_log_path var/"log/bobbin.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/bobbin version")
    port = free_port
    (testpath/"index.html").write "served by bobbin"
    server = spawn bin/"bobbin", "--port", port.to_s, testpath
    begin
      assert_match "served by bobbin",
        shell_output("curl --silent --retry 10 --retry-connrefused http://127.0.0.1:#{port}/")
    ensure
      Process.kill "TERM", server
      Process.wait server
    end
  end
end
`

// makeFormula writes the formula, if all archives of macOS and Linux are there.
func (r *release) makeFormula(list []target) error {
	var b strings.Builder
	for _, system := range []struct{ name, brew string }{{"darwin", "on_macos"}, {"linux", "on_linux"}} {
		fmt.Fprintf(&b, "  %s do\n", system.brew)
		for _, machine := range []struct{ name, brew string }{{"arm64", "on_arm"}, {"amd64", "on_intel"}} {
			t := target{system.name, machine.name}
			if !slices.Contains(list, t) {
				fmt.Fprintf(r.say, "no Homebrew formula without the archive of %s\n", t)
				return nil
			}
			name := r.archiveName(t) + ".tar.gz"
			fmt.Fprintf(&b, "    %s do\n      url \"https://github.com/bobbin-http/bobbin/releases/download/v%s/%s\"\n      sha256 \"%s\"\n    end\n",
				machine.brew, r.version, name, r.sums[name])
		}
		b.WriteString("  end\n")
	}
	return r.write("bobbin.rb", fmt.Appendf(nil, formulaText, r.version, b.String()))
}
