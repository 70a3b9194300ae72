/** Words without a topic of their own. They are neither indexed nor searched for. */
export const functionWords: ReadonlySet<string> = new Set(
  `a an and are as at be been but by for from had has have he her his i if in into is it its me my no not of on or our
  she so such than that the their them then there these they this to was we were will with you your`.split(/\s+/),
);

/**
 * Words that phrase a request without saying what it is about: "how does it work", "the best introduction to ...".
 * They take part in ranking, but that a passage holds them is no evidence that it is about the topic.
 */
export const phrasingWords: ReadonlySet<string> = new Set(
  `about above actually after again all almost along already also although always am among another any anything
  around article articles available away
  back bad basic basics became because become becomes before began begin beginner beginners beginning behind being
  below best better between beyond big both bring brings by
  call called came can cannot case cases certain change changes choose choosing clear come comes common compare compared comparing
  comparison complete consider could course
  day days deal depth describe description detail details did different difficult do does doing don done down during
  each early easily easy either else end enough especially essential etc even ever every everybody everyone everything
  everywhere evolution exactly example examples exist exists explain explained explaining explanation
  fact facts famous far fast few find first follow following form formed forming forms four full fundamental fundamentals further future
  gave general get gets getting give given gives go goes going good got great guide guides
  happen happened happening happens hard hardly he help helpful helps here history how however
  idea ideas important improve include includes including instead interesting introduction
  job just keep keeps kind kinds know known
  large last late later latest learn learning least less let lets like likely list little long longer look looking lot
  made main make makes making many matter matters may maybe mean means might mine modern more most much must myself
  name need needed needs never new next nice none nor nothing now
  off often old once one ones only onto other others otherwise out over overview own
  part particular particularly people perhaps place point possible practical practice practices problem problems
  provide provides put
  question questions quick quickly quite
  rather real really reason reasons recent
  said same say says see seem seems seen set several shall short should show shows side simple simply since small some
  somebody someone something sometimes start started still story study subject sure
  take takes taking talk tell technique techniques thing things think those though three through thus time times tip
  tips today together too took top topic topics toward try trying turn tutorial two type types
  under understand understanding until up upon us use used useful uses using usual usually
  various very via
  want wants way ways well went what whatever when where whether which while who whole whom whose why within without
  work working works world worth would write
  year years yes yet`.split(/\s+/),
);
