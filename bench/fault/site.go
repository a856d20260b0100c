package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// The folder that victims serve.
const (
	smallBytes  = 1000
	uncached    = 4000 // files that the probe requests one after the other
	listedNames = 10_000
	jsonBytes   = 8_000_000 // of hexadecimal digits, which gzip halves
	hugeBytes   = 256 << 20 // a sparse file, too large for a reader of 120 kB/s to finish
)

// makeSite makes the folder.
func makeSite(folder string) error {
	random := rand.New(rand.NewPCG(1, 2))
	digits := make([]byte, jsonBytes)
	digits[0], digits[jsonBytes-1] = '"', '"'
	for i := 1; i < jsonBytes-1; i++ {
		digits[i] = "0123456789abcdef"[random.IntN(16)]
	}
	for _, dir := range []string{"", "u", "many"} {
		if err := os.Mkdir(filepath.Join(folder, dir), 0o755); err != nil {
			return err
		}
	}
	for name, content := range map[string][]byte{
		"small.txt": digits[:smallBytes],
		"200k.bin":  digits[:200<<10],
		"250k.bin":  digits[:250_000],
		"8m.json":   digits,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	for i := range uncached {
		if err := os.WriteFile(filepath.Join(folder, uncachedName(i)), digits[:smallBytes], 0o644); err != nil {
			return err
		}
	}
	for i := range listedNames {
		if err := os.WriteFile(filepath.Join(folder, "many", fmt.Sprintf("a-file-of-many-%05d.txt", i)), nil, 0o644); err != nil {
			return err
		}
	}
	huge, err := os.Create(filepath.Join(folder, "huge.bin"))
	if err != nil {
		return err
	}
	defer huge.Close()
	return huge.Truncate(hugeBytes)
}

// uncachedName returns the k-th file not requested before.
func uncachedName(k int) string { return fmt.Sprintf("u/%04d.txt", k%uncached) }
