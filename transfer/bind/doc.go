// Package bind is the library for apps in other languages: gomobile binds it for
// Kotlin and Swift, and the package c below it makes a C library of it.
//
// A Transfer is one side of one transfer. What happens comes as the events of
// docs/subprocess.md to a Listener, one JSON object at a time, and what the person
// answers goes in as the commands of that document. Only basic types are exported: a
// test refuses others. docs/binding.md is the guide.
//
// It links no database, no relay server and no command line, prints nothing, and
// reads no environment. It never types the check code for the person.
package bind
