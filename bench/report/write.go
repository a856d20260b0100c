package report

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a report, beside its plots.
const (
	toRead    = "README.md"
	toCompute = "results.json"
)

// Write writes the report to a folder. It replaces an older one.
func (r *Report) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := removePlots(folder); err != nil {
		return err
	}
	plots := r.Plots()
	for name, svg := range plots {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, toCompute), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, toRead), []byte(r.Markdown(plots)), 0o644)
}

// removePlots removes the plots of the older report: one of a scenario that is no
// longer measured would look like a result. It leaves other files alone.
func removePlots(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, toCompute))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old Report
	if json.Unmarshal(text, &old) != nil {
		return nil // not a plot of bench
	}
	for name := range old.Plots() {
		if err := os.Remove(filepath.Join(folder, filepath.Base(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
