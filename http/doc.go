// Package http is the language of the house: what bytes mean. It serves
// HTTP/1.1 and HTTP/1.0 as RFC 9110 and RFC 9112 have it, on the event loop
// below it, and refuses what is ambiguous.
//
// Hello world, all of it:
//
//	func main() { log.Fatal(http.ListenAndServe(":8080", hello)) }
//
//	func hello(w *http.Response, r *http.Request) error { return w.Text("hello, world\n") }
//
// A [Handler] runs on the loop, so it must not wait. The one thing it may wait
// for is the body of its request, by [Request.Body]: the loop goes on with
// others meanwhile.
package http
