package h1

// A Refusal is why a request is not served. The reason is one line for a
// person: it goes into the body of the answer and into the log. Every refusal
// is a variable of this package, so that refusing costs no memory, and tests
// can ask which one it was.
type Refusal struct {
	Status int
	Reason string
}
