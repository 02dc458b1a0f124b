/// A writing system, by the name that Unicode gives it; what a routing rule can ask for.
public enum Script: String, Sendable, Hashable, CaseIterable, Codable {
  case latin = "Latin"
  case greek = "Greek"
  case cyrillic = "Cyrillic"
  case armenian = "Armenian"
  case hebrew = "Hebrew"
  case arabic = "Arabic"
  case syriac = "Syriac"
  case thaana = "Thaana"
  case devanagari = "Devanagari"
  case bengali = "Bengali"
  case gurmukhi = "Gurmukhi"
  case gujarati = "Gujarati"
  case oriya = "Oriya"
  case tamil = "Tamil"
  case telugu = "Telugu"
  case kannada = "Kannada"
  case malayalam = "Malayalam"
  case sinhala = "Sinhala"
  case thai = "Thai"
  case lao = "Lao"
  case tibetan = "Tibetan"
  case myanmar = "Myanmar"
  case georgian = "Georgian"
  case hangul = "Hangul"
  case ethiopic = "Ethiopic"
  case khmer = "Khmer"
  case mongolian = "Mongolian"
  case hiragana = "Hiragana"
  case katakana = "Katakana"
  case bopomofo = "Bopomofo"
  case han = "Han"
  /// Kana with or without Han: a text, not a letter, has this script.
  case japanese = "Japanese"

  /// What a text's script can be, and so what a rule can ask for: kana are ``japanese``.
  public static var ofTexts: [Script] { allCases.filter { $0 != .hiragana && $0 != .katakana } }

  /// The script of that name, in any case. `Hiragana` and `Katakana` name Japanese.
  public init?(named name: String) {
    let folded = name.lowercased()
    guard let script = Self.allCases.first(where: { $0.rawValue.lowercased() == folded }) else { return nil }
    self = script == .hiragana || script == .katakana ? .japanese : script
  }
}

/// Finds the script that most of a text is written in.
public enum ScriptDetector {
  /// Letters beyond these do not change a text's script.
  public static let letterLimit = 4096

  /// Among a text's Han and kana, the share of kana from which it counts as Japanese. Japanese prose has about half;
  /// Chinese product titles have a stray の.
  private static let kanaShare = 0.1

  /// The script of most letters of a text; nil where it has no letter of a script known here. Digits, punctuation,
  /// marks and symbols do not count. Of scripts with as many letters, the one that comes first in the text is taken.
  /// - Complexity: O(length), at most ``letterLimit`` letters.
  public static func dominantScript(of text: String) -> Script? {
    var counts: [Script: (letters: Int, first: Int)] = [:]
    var letters = 0
    for scalar in text.unicodeScalars {
      guard isLetter(scalar) else { continue }
      letters += 1
      if let script = ScriptTable.script(of: scalar) {
        counts[script, default: (0, letters)].letters += 1
      }
      if letters == letterLimit { break }
    }
    mergeJapanese(&counts)
    return counts.max { ($0.value.letters, $1.value.first) < ($1.value.letters, $0.value.first) }?.key
  }

  private static func mergeJapanese(_ counts: inout [Script: (letters: Int, first: Int)]) {
    let kana = [Script.hiragana, .katakana].compactMap { counts.removeValue(forKey: $0) }
    guard !kana.isEmpty else { return }
    var letters = kana.reduce(0) { $0 + $1.letters }
    var first = kana.reduce(Int.max) { min($0, $1.first) }
    if let han = counts[.han] {
      guard Double(letters) >= kanaShare * Double(letters + han.letters) else {
        counts[.han] = (han.letters + letters, min(first, han.first))
        return
      }
      counts[.han] = nil
      letters += han.letters
      first = min(first, han.first)
    }
    counts[.japanese] = (letters, first)
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (scalar.value | 0x20) >= 0x61 && (scalar.value | 0x20) <= 0x7A }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
    default: return false
    }
  }
}
