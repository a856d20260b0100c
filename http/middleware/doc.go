// Package middleware has what happens around handlers, for all kinds of sites.
// Each file is one of them, and stands alone.
package middleware
