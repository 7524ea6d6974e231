package cddl

// Limits: a schema or an item that a fuzzer made must not take forever.
const (
	maxSchema      = 1 << 18  // bytes; the largest of an RFC has some 100 KiB
	maxSyntaxDepth = 128      // brackets inside each other; the compiler's stack
	maxRules       = 4096     // rules of a schema
	maxDepth       = 128      // nesting of a data item; ours reaches 34
	maxItem        = 64 << 20 // bytes of a data item; a segment has 16 MiB
	maxCalls       = 4096     // types and groups inside each other while matching: left recursion ends here
	minSteps       = 1 << 16  // types and groups tried for one item, and
	stepsPerByte   = 512      // for each of its bytes: a grammar can make exponential work. A vCon takes about one
	maxTextShown   = 60       // bytes of a type, and of a text value, in a message
	maxUint        = 1<<64 - 1
)
