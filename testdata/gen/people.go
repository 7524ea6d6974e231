package gen

import (
	"fmt"
	"strings"
)

var roomNames = []string{
	"Engineering Team", "Family", "Football on Thursdays", "Переезд в Ригу", "Grupo da escola", "Trip to Lahore", "Klub książki",
	"Hiking & climbing", "Nachbarschaft Nord", "読書会", "Release 2.0", "Band practice 🎸", "Parents of class 3b", "Flat 12",
}

// Invented people.
var (
	givenNames = strings.Fields(`Alice Bob Cathy Doug Elizabeth Amira Björn Chiara Darius Elif Farah Goran Hana Ilse João Kateryna
		Lukas Maja Nadia Oscar Priya Quentin Rosa Sven Tariq Ursula Viktor Wanda Ximena Yuki Zeynep Юлия`)
	familyNames = strings.Fields(`Smith Jones Washington King Roberts Haddad Lindqvist Moretti Petrauskas Yılmaz Khan Novak Sato
		Brandt Ferreira Shevchenko Weber Kowalska Rahman Nilsson`)
	hosts = []string{"a.example", "b.example", "im.example.net"}
)

// personOf is the name and the URI of a person by number.
func personOf(n int) (name, uri string) {
	given, family := givenNames[n%len(givenNames)], familyNames[(n*7+n/len(givenNames))%len(familyNames)]
	name = given + " " + family
	return name, fmt.Sprintf("mimi://%s/u/person-%d", hosts[n%len(hosts)], n+1)
}
