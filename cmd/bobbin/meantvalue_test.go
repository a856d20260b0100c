package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestAWordBehindAFlagIsNotTakenForItsValue has flags that may stand alone, and --log, whose
// value may have a file.
func TestAWordBehindAFlagIsNotTakenForItsValue(t *testing.T) {
	t.Chdir(folder(t, map[string][]byte{"index.html": []byte("a"), "site/index.html": []byte("b"), "on/index.html": []byte("c"), "old.log": []byte("a log")}))
	for _, row := range []struct {
		name, args string
		says       string // "" if it is right
	}{
		{"a page behind --spa", "--spa index.html", "--spa index.html: the value follows a =: write --spa=index.html"},
		{"in front of PATH, too", "--spa index.html site", "write --spa=index.html"},
		{"a page that is not here", "--spa app.html site", "write --spa=app.html"},
		{"a folder is PATH", "--spa site", ""},
		{"a yes behind --spa", "--spa true", `--spa "true": write --spa alone, or leave it out`},
		{"an origin behind --cors", "--cors https://a.example site", "write --cors=https://a.example"},
		{"without PATH, too", "--cors https://a.example", "write --cors=https://a.example"},
		{"all origins", "--cors * site", "write --cors=*"},
		{"a file behind --cors is PATH", "--cors index.html", ""},
		{"a no behind --public", "--public false site", "--public false: the value follows a =: write --public=false"},
		{"without PATH, too", "--public false", "write --public=false"},
		{"behind a letter", "-q no site", "-q no: the value follows a =: write --quiet=false"},
		{"a yes is true", "--reload yes", "write --reload=true"},
		{"nothing behind --cors", "--cors _ site", `--cors "": write --cors alone, or leave it out`},
		{"nothing behind --public", "--public _", `--public "": write --public alone`},
		{"a folder with such a name is PATH", "--public on", ""},
		{"or with its path", "--public ./on", ""},
		{"a file behind --log", "--log combined access.log site", "--log combined access.log: the file follows a =: write --log combined=access.log"},
		{"a file of another name", "--log json requests site", "write --log json=requests"},
		{"a log that would be served", "--log json old.log", "write --log json=old.log"},
		{"PATH behind --log", "--log json site", ""},
		{"two folders are still two", "--log json -q site on", "only one folder or file can be served"},
		{"words behind two dashes are no values", "--listing on -- index.html", ""},
	} {
		args := strings.Fields(row.args)
		for i := range args {
			args[i] = strings.TrimPrefix(args[i], "_") // an empty word
		}
		code, _, complaint := try(append([]string{"config", "test"}, args...), "", nil)
		if (code == exitOK) != (row.says == "") || !strings.Contains(complaint, row.says) || strings.Count(complaint, "\n") > 1 {
			t.Errorf("%s: %s: %d, %q, want %q", row.name, row.args, code, complaint, row.says)
		}
	}
}

func TestAPasswordForTheDefaultSiteIsRefused(t *testing.T) {
	dir := folder(t, map[string][]byte{"users": []byte("ali:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")})
	code, _, complaint := try([]string{"config", "test", "--auth", filepath.Join(dir, "users")}, "", nil)
	if code != exitUsage || !strings.Contains(complaint, "--auth needs a folder or a file: name PATH") {
		t.Errorf("%d, %q", code, complaint)
	}
}

// TestASettingWithoutAnEffectIsRefused is of values that were taken for something else.
func TestASettingWithoutAnEffectIsRefused(t *testing.T) {
	dir := folder(t, map[string][]byte{"index.html": []byte("a"), "users": []byte("ali:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")})
	for _, row := range []struct {
		name string
		args []string
		env  map[string]string
		says string // "" if it is right
	}{
		{"a yes for --spa", []string{"--spa=true"}, nil, `--spa takes the name of a page: write index.html in place of "true", or leave it out`},
		{"a yes in the environment", nil, map[string]string{"BOBBIN_SPA": "True"}, "(--spa comes from the environment variable BOBBIN_SPA)"},
		{"a no in the environment", nil, map[string]string{"BOBBIN_SPA": "0"}, `in place of "0", or leave it out`},
		{"the name of a page in the environment", nil, map[string]string{"BOBBIN_SPA": "index.html"}, ""},
		{"two names in one", []string{"--index", "a.html b.html"}, nil, `--index: "a.html b.html" is one name with a blank in it: write a.html,b.html for several`},
		{"a name with a blank", []string{"--index", "my index.html"}, nil, ""},
		{"a name for passwords that are not asked for", []string{"--realm", "members"}, nil, "--realm needs --auth"},
		{"a name for passwords that are", []string{"--realm", "members", "--auth", filepath.Join(dir, "users")}, nil, ""},
		{"the name that is the default", []string{"--realm", "restricted"}, nil, ""},
		{"a pattern of --cache without its slash", []string{"--cache", "assets/*=1d"}, nil, `a pattern begins with a slash or a star: did you mean '/assets/*=1d'?`},
		{"the name of a file", []string{"--cache", "sw.js=no-cache"}, nil, "did you mean '/sw.js=no-cache'?"},
		{"a directive with a time", []string{"--cache", "max-age=1d"}, nil, ""},
		{"a length", []string{"-H", "Content-Length: 3"}, nil, "--header: Content-Length is set by the server itself: remove it"},
		{"a coding of a transfer", []string{"-H", "transfer-encoding: chunked"}, nil, "Transfer-Encoding is set by the server itself: remove it"},
		{"a connection", []string{"-H", "Connection: close"}, nil, "Connection is set by the server itself"},
		{"a server", []string{"-H", "Server: x"}, nil, "Server is set by the server itself: remove it"},
		{"a date", []string{"-H", "/**: date: x"}, nil, "Date is set by the server itself: remove it"},
	} {
		code, _, complaint := try(append([]string{"config", "test", dir}, row.args...), "", row.env)
		if (code == exitOK) != (row.says == "") || !strings.Contains(complaint, row.says) || strings.Count(complaint, "\n") > 1 {
			t.Errorf("%s: %d, %q, want %q", row.name, code, complaint, row.says)
		}
	}
	if _, _, warnings, err := rulesOf(t, map[string]string{"_headers": "/*\n  Server: x\n"}); err != nil || !strings.Contains(warnings, "_headers:2 is skipped: Server is set by the server itself") {
		t.Errorf("in a file: %q, %v", warnings, err)
	}
}

func TestANameWithAColonIsRefusedByItsReason(t *testing.T) {
	code, out, complaint := try([]string{"hash", "ali:sesame"}, "x\n", nil)
	if want := "must not contain a colon, which ends it in the file: write bobbin hash NAME"; code != exitUsage || out != "" || !strings.Contains(complaint, want) || strings.Contains(complaint, "sesame") {
		t.Errorf("%d, %q, %q", code, out, complaint)
	}
}

func TestTheUsageHasEveryCommand(t *testing.T) {
	_, out, _ := try([]string{"--help"}, "", nil)
	for _, name := range commandNames() {
		if !strings.Contains(out, "\n  bobbin "+name) {
			t.Errorf("there is no bobbin %s in\n%s", name, out)
		}
	}
}
