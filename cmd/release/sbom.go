package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// The SBOM of a program, in CycloneDX's JSON, read from what the compiler noted in it.

// bill is a bill of materials.
type bill struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Time      string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licenses   []licensed `json:"licenses,omitempty"`
	URL        string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licensed struct {
	License licence `json:"license"`
}

type licence struct {
	ID string `json:"id"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn,omitempty"`
}

// sbom describes a program.
func (r *release) sbom(t target, program string, binary []byte) ([]byte, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(binary)
	url := fmt.Sprintf("pkg:golang/%s@v%s", info.Main.Path, r.version)
	b := bill{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Serial: serial(sum),
		Metadata: metadata{
			Time: r.when.Format(time.RFC3339),
			Component: component{
				Type: "application", Ref: url, Name: "bobbin", Version: r.version,
				Hashes:   []hash{{"SHA-256", fmt.Sprintf("%x", sum)}},
				Licenses: []licensed{{licence{"Apache-2.0"}}},
				URL:      url + "?type=executable&goos=" + t.system + "&goarch=" + t.machine,
			},
		},
		Components: []component{library("std", strings.TrimPrefix(info.GoVersion, "go"), "")},
	}
	for _, dep := range info.Deps {
		m := replaced(dep)
		b.Components = append(b.Components, library(m.Path, m.Version, m.Sum))
	}
	top := dependency{Ref: url}
	for _, c := range b.Components {
		top.On = append(top.On, c.Ref)
	}
	b.Dependencies = []dependency{top}
	var out bytes.Buffer
	to := json.NewEncoder(&out)
	to.SetEscapeHTML(false)
	to.SetIndent("", "  ")
	err = to.Encode(b)
	return out.Bytes(), err
}

// replaced returns the module that is in the program in place of another.
func replaced(m *debug.Module) *debug.Module {
	if m.Replace != nil {
		return m.Replace
	}
	return m
}

// library describes a module. The sum is that of go.sum, which is over a module's files
// and no hash that CycloneDX knows.
func library(name, version, sum string) component {
	url := fmt.Sprintf("pkg:golang/%s@%s", name, version)
	c := component{Type: "library", Ref: url, Name: name, Version: version, URL: url}
	if sum != "" {
		c.Properties = []property{{"go.sum", sum}}
	}
	return c
}

// serial makes a UUID (version 8, RFC 9562) of a checksum, so that it is the same in each
// run.
func serial(sum [sha256.Size]byte) string {
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
