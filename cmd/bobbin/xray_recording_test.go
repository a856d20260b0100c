package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The moving picture of the inspector that the README shows, on light and on dark paper:
//
//	BOBBIN_RECORD=docs/pictures go test ./cmd/bobbin -run BrowserRecords
//
// writes xray-light.gif and xray-dark.gif there. Each is a real server with its own clients.

// TestBrowserRecordsTheInspector presses two of the page's buttons while it takes pictures.
func TestBrowserRecordsTheInspector(t *testing.T) {
	folder := os.Getenv("BOBBIN_RECORD")
	if folder == "" {
		t.Skip("BOBBIN_RECORD is not set: the recording is made on demand")
	}
	for _, paper := range []string{"light", "dark"} {
		t.Run(paper, func(t *testing.T) {
			tab := xrayed(t, start(t, ""))
			tab.size(1440, 1000, paper, "no-preference")
			tab.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1440, "height": 1000, "deviceScaleFactor": 0.75, "mobile": false}, nil)
			var film film
			film.watch(tab, 5)
			press(tab, "clients")
			film.watch(tab, 30)
			press(tab, "sleep")
			film.watch(tab, 35)
			tab.quiet()
			film.write(t, filepath.Join(folder, "xray-"+paper+".gif"))
		})
	}
}

// press presses the button of one of the server's own clients.
func press(tab *tab, id string) {
	tab.t.Helper()
	tab.eval(fmt.Sprintf(`byId("tries").children[hello.try.findIndex((one) => one.id === %q)].firstChild.click()`, id), nil)
}

// A film is a row of pictures of a page, and when each was taken.
type film struct {
	shots []image.Image
	at    []time.Time
}

// watch takes n pictures, as fast as the browser makes them and at most ten a second: each
// frame of the page's stream is seen once.
func (f *film) watch(tab *tab, n int) {
	tab.t.Helper()
	for range n {
		tab.until("the next frame is drawn", `past.drawn > (window.filmed ?? 0) && (window.filmed = past.drawn)`)
		var shot struct{ Data string }
		tab.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
		raw, err := base64.StdEncoding.DecodeString(shot.Data)
		if err != nil {
			tab.t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			tab.t.Fatal(err)
		}
		f.shots, f.at = append(f.shots, picture), append(f.at, time.Now())
	}
}

// write writes the film as a GIF that begins anew at its end. A picture holds only the
// rectangle that differs from the one before, and in it only the points that do.
func (f *film) write(t *testing.T, name string) {
	t.Helper()
	palette := f.palette()
	const nothing = 0 // the first colour is transparent
	var out gif.GIF
	nearest := make(map[color.RGBA]uint8)
	var before *image.Paletted
	for i, shot := range f.shots {
		all := image.NewPaletted(shot.Bounds(), palette)
		for y := shot.Bounds().Min.Y; y < shot.Bounds().Max.Y; y++ {
			for x := shot.Bounds().Min.X; x < shot.Bounds().Max.X; x++ {
				c := coarse(shot.At(x, y))
				index, known := nearest[c]
				if !known {
					index = uint8(1 + palette[1:].Index(c))
					nearest[c] = index
				}
				all.SetColorIndex(x, y, index)
			}
		}
		part := all
		if before != nil {
			part = difference(before, all, nothing)
		}
		delay := 10
		if i+1 < len(f.at) {
			delay = max(10, int(f.at[i+1].Sub(f.at[i])/(10*time.Millisecond)))
		} else {
			delay = 200 // the end stands for a while
		}
		out.Image, out.Delay, out.Disposal = append(out.Image, part), append(out.Delay, delay), append(out.Disposal, gif.DisposalNone)
		before = all
	}
	var file bytes.Buffer
	if err := gif.EncodeAll(&file, &out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d pictures, %d KB", name, len(f.shots), file.Len()>>10)
}

// palette returns a transparent colour, and the 255 that the film has most of.
func (f *film) palette() color.Palette {
	count := make(map[color.RGBA]int)
	for _, shot := range f.shots {
		for y := shot.Bounds().Min.Y; y < shot.Bounds().Max.Y; y++ {
			for x := shot.Bounds().Min.X; x < shot.Bounds().Max.X; x++ {
				count[coarse(shot.At(x, y))]++
			}
		}
	}
	var colours []color.RGBA
	for c := range count {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	palette := color.Palette{color.RGBA{}}
	for _, c := range colours[:min(255, len(colours))] {
		palette = append(palette, c)
	}
	return palette
}

// coarse returns a colour with six bits each, so that the shades of smooth letters are few.
func coarse(c color.Color) color.RGBA {
	r, g, b, _ := c.RGBA()
	round := func(v uint32) uint8 { v >>= 10; return uint8(v<<2 | v>>4) }
	return color.RGBA{round(r), round(g), round(b), 255}
}

// difference returns the rectangle of b that differs from a, with nothing for each point
// that does not.
func difference(a, b *image.Paletted, nothing uint8) *image.Paletted {
	var changed image.Rectangle
	for y := b.Rect.Min.Y; y < b.Rect.Max.Y; y++ {
		for x := b.Rect.Min.X; x < b.Rect.Max.X; x++ {
			if a.ColorIndexAt(x, y) != b.ColorIndexAt(x, y) {
				changed = changed.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if changed.Empty() {
		changed = image.Rect(0, 0, 1, 1)
	}
	part := image.NewPaletted(changed, b.Palette)
	for y := changed.Min.Y; y < changed.Max.Y; y++ {
		for x := changed.Min.X; x < changed.Max.X; x++ {
			if index := b.ColorIndexAt(x, y); index != a.ColorIndexAt(x, y) {
				part.SetColorIndex(x, y, index)
			} else {
				part.SetColorIndex(x, y, nothing)
			}
		}
	}
	return part
}
