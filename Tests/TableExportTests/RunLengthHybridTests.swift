import Testing

@Test func placeholderOfTheFirstBuild() { #expect(Bool(true)) }
