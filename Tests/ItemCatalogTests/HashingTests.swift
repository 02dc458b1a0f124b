import ItemCatalog
import Testing

@Suite("Content hashes")
struct HashingTests {
  @Test func agreesWithTheStandardsExample() {
    // FIPS 180-4, example B.1.
    let digest = Digest(hashing: "abc")
    #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(digest.prefix64 == 0xba78_16bf_8f01_cfea)
    #expect(digest.bytes.count == 32 && digest.bytes[31] == 0xad)
  }

  @Test func pieceByPieceEqualsAtOnce() {
    var hasher = ContentHasher()
    hasher.update(Array("a".utf8))
    hasher.update(Array("bc".utf8).span)
    #expect(hasher.finalize() == Digest(hashing: "abc"))
  }

  @Test func fieldsDoNotRunTogether() {
    var left = ContentHasher()
    left.updateField("ab")
    left.updateField("c")
    var right = ContentHasher()
    right.updateField("a")
    right.updateField("bc")
    #expect(left.finalize() != right.finalize())
  }
}
