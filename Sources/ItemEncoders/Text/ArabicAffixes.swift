/// Light stemming of folded Arabic words: the frequent affixes come off, the root and its pattern stay.
///
/// Source: the light10 stemmer of Larkey, Ballesteros and Connell, "Light Stemming for Arabic Information Retrieval"
/// (2007), table 1, with the prefixes ب and ل besides and after ta marbuta has been folded to heh.
package enum ArabicAffixes {
  private static let articles = ["وال", "بال", "كال", "فال", "ال", "لل"].map(scalars)
  private static let conjunction = scalars("و")
  private static let prepositions = ["ب", "ل"].map(scalars)
  private static let suffixes = ["ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"].map(scalars)

  /// The part of a word that is left without its affixes; the whole word where it is not Arabic or nothing comes off.
  package static func stem(_ word: ArraySlice<UInt32>) -> ArraySlice<UInt32> {
    guard word.count > 3, word.allSatisfy({ (0x621...0x64A).contains($0) }) else { return word }
    var stem = word
    if let article = articles.first(where: { stem.starts(with: $0) && stem.count >= $0.count + 2 }) {
      stem = stem.dropFirst(article.count)
    } else if stem.starts(with: conjunction), stem.count >= 4 {
      stem = stem.dropFirst()
    } else if stem.count >= 5, prepositions.contains(where: { stem.starts(with: $0) }) {
      stem = stem.dropFirst()
    }
    if let suffix = suffixes.first(where: { stem.count >= $0.count + 2 && stem.suffix($0.count).elementsEqual($0) }) {
      stem = stem.dropLast(suffix.count)
    }
    return stem
  }

  private static func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }
}
