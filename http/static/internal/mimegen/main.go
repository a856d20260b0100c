// Mimegen writes mime_table.go: which media type a file has by the extension
// of its name.
//
// The standard library's table is completed from files of the machine it runs
// on, so that the same server says different things on different machines. This
// one is decided when it is generated.
//
// The data is that of mime-db. To generate the table anew, unpack that package
// and say where its db.json is:
//
//	npm pack mime-db@1.54.0 && tar xzf mime-db-1.54.0.tgz
//	MIME_DB=$PWD/package/db.json go generate ./http/static
package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"go/format"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
)

// preferred decides where several types claim an extension and browsers expect
// another than the registry says, where a type was registered later, and where
// mime-db has a rare type or none for a common file. Source code is plain text, so
// that a browser shows it.
var preferred = map[string]string{
	// As the WHATWG's standards and the browsers have it.
	"cjs": "text/javascript",
	"ico": "image/x-icon",
	"js":  "text/javascript",
	"mjs": "text/javascript",
	"wav": "audio/wav",
	"xml": "application/xml",
	"xsl": "application/xml",

	// Of two registered types, the usual one.
	"3gpp": "video/3gpp",
	"asc":  "application/pgp-signature",
	"mp4":  "video/mp4",
	"mpg4": "video/mp4",
	"mpp":  "application/vnd.ms-project",
	"mts":  "video/mp2t",
	"org":  "text/x-org",
	"rtf":  "application/rtf",
	"sub":  "text/vnd.dvb.subtitle",

	// Registered, but not under this extension in mime-db.
	"flac":   "audio/flac",
	"ndjson": "application/x-ndjson",
	"tgz":    "application/gzip",
	"zst":    "application/zstd",

	// Text.
	"diff":  "text/plain",
	"go":    "text/plain",
	"patch": "text/plain",
	"py":    "text/plain",
	"rs":    "text/plain",
	"tsx":   "text/plain",
}

// standing orders the sources by how much their word weighs.
var standing = []string{"iana", "apache", "nginx", ""}

// A claim is one type's wish for an extension.
type claim struct {
	mediaType string
	source    string
}

//go:embed header.txt
var header string

func main() {
	log.SetFlags(0)
	log.SetPrefix("mimegen: ")
	db := flag.String("db", "", "`file` with the data, mime-db's db.json")
	out := flag.String("o", "mime_table.go", "`file` to write")
	flag.Parse()
	if *db == "" {
		log.Fatal("-db is missing: set MIME_DB to the path of mime-db's db.json")
	}
	data, err := os.ReadFile(*db)
	if err != nil {
		log.Fatal(err)
	}
	code, err := table(data)
	if err != nil {
		log.Fatalf("%s: %v", *db, err)
	}
	if err := os.WriteFile(*out, code, 0o644); err != nil {
		log.Fatal(err)
	}
}

// table turns mime-db's JSON into a Go file.
func table(data []byte) ([]byte, error) {
	var known map[string]struct {
		Source     string
		Extensions []string
	}
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, err
	}
	claims := map[string][]claim{}
	for mediaType, entry := range known {
		for _, extension := range entry.Extensions {
			claims[extension] = append(claims[extension], claim{mediaType, entry.Source})
		}
	}
	types := map[string]string{}
	for extension, all := range claims {
		types[extension] = slices.MinFunc(all, better).mediaType
	}
	maps.Copy(types, preferred)

	var b bytes.Buffer
	b.WriteString(header)
	longest := 0
	for extension := range types {
		longest = max(longest, len(extension))
	}
	fmt.Fprintf(&b, "// longestExtension is the length of the longest one in the table.\n")
	fmt.Fprintf(&b, "const longestExtension = %d\n\n", longest)
	fmt.Fprintf(&b, "// mimeTable is sorted by extension, for a binary search.\n")
	fmt.Fprintf(&b, "var mimeTable = [...]mimeEntry{\n")
	for _, extension := range slices.Sorted(maps.Keys(types)) {
		if extension != strings.ToLower(extension) {
			return nil, fmt.Errorf("extension %q is not in lower case", extension)
		}
		fmt.Fprintf(&b, "{%q, %q},\n", extension, withCharset(types[extension]))
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}

// better compares two claims to one extension: by their sources' standing, and
// then by name, so that each run decides alike.
func better(a, b claim) int {
	return cmp.Or(
		cmp.Compare(slices.Index(standing, a.source), slices.Index(standing, b.source)),
		strings.Compare(a.mediaType, b.mediaType),
	)
}

// withCharset completes the types that are text by the encoding that text has
// today. XML and its kinds say it themselves, and a parameter would overrule them.
func withCharset(mediaType string) string {
	isText := strings.HasPrefix(mediaType, "text/") && mediaType != "text/xml" ||
		mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	if isText && !strings.HasSuffix(mediaType, "+xml") {
		return mediaType + "; charset=utf-8"
	}
	return mediaType
}
