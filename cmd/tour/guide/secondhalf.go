package guide

// secondHalf are the steps from a parser to bobbin itself.
var secondHalf []Step
