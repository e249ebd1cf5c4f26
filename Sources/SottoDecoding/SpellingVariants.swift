// British spellings brought to American ones, the last step of the normaliser.

/// Rules for whole families of words, with lists of stems where a rule alone would take too much.
enum SpellingVariants {
  /// The American spelling of a lower-case word; the word itself where no rule applies.
  static func american(_ word: String) -> String {
    guard word.count >= 4 else { return word }
    if let whole = wholeWords[word] { return whole }
    var result = word
    for stem in stems where result.contains(stem.british) {
      result = replace(stem.british, by: stem.american, in: result)
    }
    return iseToIze(result)
  }

  private static func replace(_ part: String, by other: String, in word: String) -> String {
    guard let range = word.firstRange(of: part) else { return word }
    return word.replacingCharacters(in: range, with: other)
  }

  /// Endings of -ise that take a z in American spelling; "rise", "promise" and "exercise" are not among them.
  private static let iseStems = [
    "alis", "ilis", "olis", "onis", "enis", "inis", "unis", "anis", "rnis", "emis", "imis", "omis", "icis",
    "ogis", "egis", "eris", "oris", "aris", "uris", "ndis", "rdis", "hasis", "hesis", "athis", "aptis",
    "etis", "itis", "atis", "otis", "nalys", "ralys", "talys", "apsis",
  ]
  private static let iseEndings = ["e", "es", "ed", "er", "ers", "ing", "able", "ation", "ations", "ational"]
  private static let iseExceptions: Set = [
    "merchandis", "aris", "premis", "promis", "compromis", "demis", "anis", "metropolis",
  ]

  private static func iseToIze(_ word: String) -> String {
    for ending in iseEndings where word.hasSuffix(ending) {
      let stem = word.dropLast(ending.count)
      guard iseStems.contains(where: { stem.hasSuffix($0) }), !iseExceptions.contains(String(stem)) else {
        continue
      }
      return stem.dropLast() + "z" + ending
    }
    return word
  }

  /// Parts of words that occur in no others.
  private static let stems: [(british: String, american: String)] = [
    // -our
    ("colour", "color"), ("favour", "favor"), ("honour", "honor"), ("labour", "labor"),
    ("harbour", "harbor"), ("neighbour", "neighbor"), ("humour", "humor"), ("behaviour", "behavior"),
    ("flavour", "flavor"), ("vapour", "vapor"), ("vigour", "vigor"), ("rumour", "rumor"),
    ("odour", "odor"), ("armour", "armor"), ("endeavour", "endeavor"), ("saviour", "savior"),
    ("savour", "savor"), ("splendour", "splendor"), ("tumour", "tumor"), ("valour", "valor"),
    ("parlour", "parlor"), ("rigour", "rigor"), ("ardour", "ardor"), ("candour", "candor"),
    ("clamour", "clamor"), ("fervour", "fervor"), ("demeanour", "demeanor"), ("rancour", "rancor"),
    ("succour", "succor"),
    // -re
    ("theatre", "theater"), ("sabre", "saber"), ("spectre", "specter"), ("lustre", "luster"),
    ("calibre", "caliber"), ("meagre", "meager"), ("sceptre", "scepter"), ("sepulchre", "sepulcher"),
    ("kilometre", "kilometer"), ("centimetre", "centimeter"), ("millimetre", "millimeter"),
    // doubled consonants
    ("travell", "travel"), ("quarrell", "quarrel"), ("cancelled", "canceled"), ("cancelling", "canceling"),
    ("labell", "label"), ("levell", "level"), ("modell", "model"), ("signall", "signal"),
    ("marvell", "marvel"), ("counsell", "counsel"), ("fuell", "fuel"), ("equall", "equal"),
    ("jewell", "jewel"), ("worshipp", "worship"), ("kidnapp", "kidnap"), ("skilful", "skillful"),
    ("wilful", "willful"),
    // -ence, and others
    ("gaol", "jail"), ("plough", "plow"), ("sceptic", "skeptic"), ("mould", "mold"),
    ("smoulder", "smolder"), ("mediaeval", "medieval"), ("archaeolog", "archeolog"),
    ("encyclopaed", "encycloped"), ("anaesth", "anesth"), ("paediatr", "pediatr"), ("haemo", "hemo"),
    ("aluminium", "aluminum"), ("connexion", "connection"),
  ].map { ($0, $1) }

  private static let wholeWords: [String: String] = {
    var words = [
      "programme": "program", "programmes": "programs", "tyre": "tire", "tyres": "tires", "kerb": "curb",
      "practise": "practice", "practised": "practiced", "practises": "practices",
      "practising": "practicing", "fulfil": "fulfill", "fulfils": "fulfills", "enrol": "enroll",
      "enrols": "enrolls", "ageing": "aging", "instalment": "installment", "instalments": "installments",
      "judgement": "judgment", "judgements": "judgments", "acknowledgement": "acknowledgment",
      "acknowledgements": "acknowledgments", "cheque": "check", "cheques": "checks", "pyjamas": "pajamas",
      "jewellery": "jewelry", "moustache": "mustache", "cosy": "cozy", "foetus": "fetus", "grey": "gray",
      "greys": "grays", "draught": "draft", "draughts": "drafts", "shew": "show", "shewn": "shown",
      "shewed": "showed", "waggon": "wagon", "waggons": "wagons", "storey": "story", "storeys": "stories",
      "equally": "equally", "sombre": "somber",
    ]
    for (british, american) in [
      ("centre", "center"), ("metre", "meter"), ("litre", "liter"), ("fibre", "fiber"),
      ("manoeuvre", "maneuver"),
    ] {
      words[british] = american
      words[british + "s"] = american + "s"
      words[british + "d"] = american + "ed"
    }
    words["centring"] = "centering"
    words["manoeuvring"] = "maneuvering"
    for stem in ["defen", "offen", "preten", "licen"] {
      words[stem + "ce"] = stem + "se"
      words[stem + "ces"] = stem + "ses"
      words[stem + "ced"] = stem + "sed"
    }
    for stem in ["catalog", "dialog", "analog", "monolog", "prolog", "epilog"] {
      words[stem + "ue"] = stem
      words[stem + "ues"] = stem + "s"
      words[stem + "ued"] = stem + "ed"
    }
    return words
  }()
}
