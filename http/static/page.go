package static

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// Options.Fallback is for pages only: an application that gets a page in place of a
// missing script fails later, and for no visible reason.

// mayFallBack reports whether the fallback is served for a missing path: there is one, and
// the name does not end like an asset. A dot alone decides nothing: /users/john.doe and
// /v/1.2.3 are pages.
func (f *Files) mayFallBack(path string) bool {
	return f.options.Fallback != "" && !isAsset(path)
}

// wantsPage reports whether a request is for a page, and not for a script or a picture: a
// browser navigates to it, or text/html is accepted. varyByPage names the fields.
func wantsPage(r *http.Request) bool {
	return bytes.Contains(r.HeaderBytes("accept"), []byte("text/html")) ||
		string(r.HeaderBytes("sec-fetch-mode")) == "navigate"
}

// isAsset reports whether a name ends like a file that pages and programs load.
func isAsset(path string) bool {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	return ext != "" && strings.Contains(assets, " "+ext+" ")
}

// assets are the extensions of scripts, styles, data, pictures, fonts, sound, films and
// downloads. Those of the type table would be too many: it has "com", "me" and "doc".
const assets = " js mjs cjs jsx ts tsx css scss less map wasm json jsonld json5 xml txt csv webmanifest manifest " +
	"png apng jpg jpeg gif webp avif svg svgz ico bmp cur jxl tif tiff " +
	"woff woff2 ttf otf eot mp3 mp4 m4a m4v webm weba ogg oga ogv opus wav flac aac mov vtt m3u8 mpd " +
	"pdf zip gz br zst tgz tar 7z rar bz2 xz exe dmg apk deb rpm iso bin data dat "
