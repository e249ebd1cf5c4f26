// Numbers as words and as digits.

import SottoDecoding
import Testing

@Suite struct NumberStyleTests {
  @Test(arguments: [
    ("Printed in fourteen sixty-nine, by hand.", "Printed in 1469, by hand."),
    ("one of them, and two hundred more", "one of them, and 200 more"),
    ("the twenty-first of May", "the 21st of May"), ("nineteen, twenty", "19, 20"),
    ("three point five million", "3500000"), ("a one-way street", "a one-way street"),
    ("(thirty-five tried)", "(35 tried)"), ("It was 5 million.", "It was 5000000."), ("", ""),
    ("Wait a second!", "Wait a second!"), ("twenty-, no", "20-, no"),
  ])
  func digits(said: String, written: String) { #expect(NumberStyle.digits.apply(to: said) == written) }

  @Test(arguments: [
    ("Printed in 1469, by hand.", "Printed in fourteen sixty nine, by hand."),
    ("1,200 of them", "one thousand two hundred of them"), ("the 21st of May", "the twenty first of May"),
    ("$5 is $5", "$5 is $5"), ("A4 and 3.5", "A4 and three point five"), ("no numbers", "no numbers"),
  ])
  func words(said: String, written: String) { #expect(NumberStyle.words.apply(to: said) == written) }
}
