"""The words of the grammar: which say fall or rise, of what, how surely and how exactly."""

from __future__ import annotations

import re

DOWN, UP = -1, 1


def _words(text: str) -> list[str]:
    return re.findall(r"[^\s,]+", text)


_DOWN_VERBS = _words(
    """smoked nuked wrecked clipped puked dumped spanked smacked slammed pummeled punished savaged
    stung fell fall falls falling fallen dropped drop drops dropping slid slide slides sliding
    sank sink sinks sinking sunk tumbled tumble tumbles tumbling plunged plunge plunges
    plunging plummeted plummet plummets plummeting slumped slump slumps slumping declined
    decline declines declining lost lose loses losing shed sheds shedding slipped slip slips
    slipping dipped dip dips dipping retreated retreat retreats retreating crashed crash
    crashes crashing cratered craters cratering tanked tanks tanking nosedived nosedive
    nosediving skidded skids skidding dived dive dives diving dove sagged sag sags eased ease
    eases easing weakened weakens weakening softened swooned swoon drooped withered wilted
    buckled cracked caved collapsed collapse collapses collapsing stumbled stumble stumbles
    backtracked imploded battered hammered pummelled hit_for trimmed_off wiped wipe wipes
    wiping erased erase erases erasing shaved shaves shaving knocked knocking vaporised
    vaporized evaporated destroyed lopped sliced chopped tripped surrendered surrendering ceded
    drifted sagging bled bleeding haemorrhaged hemorrhaged forfeited careened wobbled lurched
    succumbed faltered languished receded ebbed relinquished conceded depreciated bruised
    torched clobbered walloped pounded crushed decimated thrashed drooping swooning fading
    faded cheapened plumbed unravelled unraveled capitulated capsized cascaded cascading
    cascade crumbled crumbles crumbling"""
)
_UP_VERBS = _words(
    """mooned screamed sizzled rose rise rises rising risen gained gain gains gaining jumped jump
    jumps jumping climbed climb climbs climbing surged surge surges surging soared soar soars
    soaring rallied rally rallies rallying advanced advance advances advancing added add adds
    adding rebounded rebound rebounds rebounding recovered recover recovers recovering spiked
    spike spikes spiking leapt leaped leap leaps leaping popped pop pops popping bounced bounce
    bounces bouncing firmed perked zoomed skyrocketed rocketed vaulted appreciated strengthened
    strengthening inched_up ticked_up hopped sprang ripped bolted recouped recoups recouping
    regained regains regaining retraced catapulted mushroomed ballooned swelled roared sprinted
    galloped barrelled barreled thrived outperformed_by boomed booming thundered hiked_up
    ascended ascending"""
)
_DOWN_NOUNS = _words(
    """nosedive skid pullback meltdown freefall tailspin descent plunge swoon washout decliners
    losers fallers laggards loss losses downturn selloff sell-off rout correction setback
    wipeout tumble"""
)
_UP_NOUNS = _words(
    "comeback uptick bounce pop recovery surge gainers risers winners advancers upturn upswing"
)
_DOWN_SIDES = _words("down lower weaker cheaper softer southward")
_UP_SIDES = _words("up higher stronger dearer firmer northward")


def _forms(verbs: list[str]) -> list[str]:
    """Return the verbs with other forms of those that end in -ed: crumbled, crumbles."""
    stems = [word[:-1] for word in verbs if word.endswith("ed")]
    regular = [stem[:-1] for stem in stems]
    made = [f"{stem}{end}" for stem in regular for end in ("", "s", "es", "ing")]
    return [*verbs, *stems, *made]


DIRECTIONS: dict[str, int] = {
    **dict.fromkeys((*_forms(_DOWN_VERBS), *_DOWN_NOUNS, *_DOWN_SIDES), DOWN),
    **dict.fromkeys((*_forms(_UP_VERBS), *_UP_NOUNS, *_UP_SIDES), UP),
}
PAST_VERBS = frozenset(
    word
    for word in (*_DOWN_VERBS, *_UP_VERBS)
    if word.endswith("ed") or word in {"fell", "slid", "sank", "lost", "rose", "leapt", "sprang"}
)
"""Forms that are verbs and nothing else: what stands before them is their subject."""
WEAK: dict[str, int] = {
    **dict.fromkeys(
        _words(
            """decreased decrease decreases decreasing shrank shrunk reduced cut cuts slashed
            lowered trimmed eroded erode erodes eroding"""
        ),
        DOWN,
    ),
    **dict.fromkeys(
        _words("increased increase increases increasing grew grow growing grown improved"), UP
    ),
}
"""Verbs of sales and profits: of prices only where the text says stock or value."""
WIPED = frozenset(
    _words(
        """wiped wipe wipes wiping erased erase erases erasing shaved shaves shaving knocked
        knocking vaporised vaporized evaporated destroyed lopped sliced chopped"""
    )
)
"""What is wiped off, in money, is market value."""

PHRASES: tuple[tuple[str, str, object], ...] = (
    (r"(?:pulled|pull|pulls|pulling|backed|stepped) (?:back|off)", "direction", DOWN),
    (r"(?:sold|sell|sells|selling) off", "direction", DOWN),
    (r"(?:marked|written|knocked|beaten|pushed) down", "direction", DOWN),
    (r"(?:clawed|claws|clawing|won|fought) back|(?:picked|picks|picking) up", "direction", UP),
    (r"(?:to|on) the (?:downside|minus side)|in the minus", "direction", DOWN),
    (r"(?:to|on) the (?:upside|plus side)|in the (?:plus|black)", "direction", UP),
    (r"(?:gave|give|gives|giving|given) (?:up|back)", "direction", DOWN),
    (r"(?:came|come|coming) off", "direction", DOWN),
    (r"(?:in|into) the red|under water|in negative territory|worse off", "direction", DOWN),
    (r"in the green|in positive territory|into positive territory|to the good", "direction", UP),
    (r"(?:put|putting|puts|tacked|tacking|piled|packed) on", "direction", UP),
    (r"(?:took|take|takes|taking|cut|carved) (?=[^.;]{0,40}\boff\b)", "direction", DOWN),
    (
        r"(?:was|were|is|are|ended|closed|finished|settled|traded|trading) off(?= )",
        "direction",
        DOWN,
    ),
    (
        r"(?:share|stock) price target|price target|price objective|target price|fair value",
        "other",
        0,
    ),
    (
        r"(?:share|stock) (?:buy-?backs?|split|repurchases?|sales?|options?|awards?|offering)",
        "other",
        0,
    ),
    (r"market share|share of (?:the )?(?:\w+ ){0,3}market", "other", 0),
    (
        (
            r"market (?:value|capitali[sz]ation|cap|worth)|market-?cap|stock market value"
            r"|equity value|valuation|paper value|shareholder value"
        ),
        "value",
        0,
    ),
    (
        r"(?:share|stock) prices?|shares?|stocks?|scrips?|ADRs?|depositary receipts|equity",
        "market",
        0,
    ),
    (
        r"(?:is|are|was|were|be) (?:now )?(?:worth|valued at)|worth|valued at|capitali[sz]ed at",
        "worth",
        0,
    ),
    (r"trading volume|volumes?|turnover of shares", "volume", 0),
    (r"changed hands|shares traded|were traded|were exchanged", "volume", 0),
    (r"(?:needs?|has|have|had|room|ought|set|poised|due|going|likely|bound) to", "modal", 0),
    (
        (
            r"(?:brace[ds]?|bracing|scope|hopes?|hoped) for|warn(?:s|ed|ing)? of"
            r"|fear(?:s|ed)? (?:of|an?|that)|on (?:course|track) (?:to|for)|looks? set"
            r"|(?:risk|chance|prospect|threat|possibility) of"
            r"|(?:a|an|the) (?:potential|possible|prospective|hypothetical|theoretical)"
        ),
        "modal",
        0,
    ),
    (r"(?:set|headed|heading|primed|in line|hoping) for|faces? an?", "modal", 0),
    (r"(?:points?|pointed|pointing|tipped) to|(?:poised|calls?) for|odds of", "modal", 0),
    (r"indicated|worst-case|in theory", "modal", 0),
    (r"as (?:low|high) as", "reach", 0),
    (r"yet to|far from|contrary to|stopped short of|rather than|instead of", "not", 0),
    (r"(?:erroneously|wrongly|mistakenly|falsely)", "not", 0),
    (r"seen (?=[a-z]{3,12}ing\b)", "modal", 0),
    (r"minus(?= [\d.])", "direction", DOWN),
    (r"plus(?= [\d.])", "direction", UP),
    (r"better off", "direction", UP),
    (r"counter", "market", 0),
    (r"trading (?=in\b)", "volume", 0),
    (r"(?:did|does|do|is|was|were|has|have|had|would|could|should|wo|ca|are)n't", "not", 0),
    (r"fail(?:ed|s|ing)? to|declined? to|refused? to|nowhere near|no point", "not", 0),
    (r"not only", "word", 0),
    (r"more than expected|less than expected|(?:than|as) (?:had been )?expected", "word", 0),
    (
        r"in one day|in a day|in a single (?:day|session)|single-day|one-day|in one session",
        "day",
        0,
    ),
)
QUALIFIERS: tuple[tuple[str, str], ...] = (
    (r"as much as|as many as|by as much as|at worst|up to as much as", "extreme"),
    (r"up to|at most|no more than|not more than|a maximum of", "at_most"),
    (r"at least|no less than|no fewer than|not less than|a minimum of", "at_least"),
    (
        (
            r"(?:well |slightly |a little |a bit |just |far )?(?:more than|over|above|north of"
            r"|upwards? of|in excess of|exceeding|better than|topping|upward of)"
        ),
        "above",
    ),
    (
        (
            r"(?:slightly |a little |a bit |just |well )?(?:less than|under|below|shy of|short of"
            r"|south of|fewer than)"
        ),
        "below",
    ),
    (r"close to|closer to|nearly|almost|nigh on|just about|near|approaching|not quite", "nearly"),
    (
        (
            r"about|around|roughly|approximately|some|circa|or so|more or less|an estimated"
            r"|approx\.?|in the region of|something like|in the neighbou?rhood of|give or take"
        ),
        "about",
    ),
)
OTHER = frozenset(
    _words(
        """revenue revenues sales profit profits earnings income margin margins ebitda ebit eps
        guidance outlook dividend dividends headcount workforce staff employees jobs capex
        spending expenditure costs cost expenses deliveries shipments orders bookings output
        production demand supply inventory inventories users subscribers subscriptions
        customers traffic downloads stake stakes holding holdings ownership interest interests
        debt bonds bond notes tariff tariffs tax taxes inflation unemployment gdp growth rate
        rates prices price wages rent rents poll polls votes target targets forecast forecasts
        estimates estimate futures options cds premium premiums discount discounts fee fees
        royalties weighting weight allocation exposure capacity efficiency visits tickets
        passengers volumes units installations registrations backlog cash reserves deposits
        loans assets liabilities provisions turnover advertising cloud share-count buyback
        buybacks approval approvals applications readership ratings rating strength probability
        chance chances odds applicants market_share suppliers supplier fund funds employment
        productivity penetration churn arpu"""
    )
)
MODALS = frozenset(
    _words(
        """until whenever theoretically could may might would should can will shall must expects
        expect expected expecting forecast forecasting betting thinks see predict predicts
        predicted predicting project projects projected projecting likely potentially possible
        possibly aims aim aimed hopefully hypothetical hypothetically scenario scenarios
        assuming implies implying imply wants want unless whether anticipate anticipates
        anticipated sees foresee foresees 'll suppose imagine wager"""
    )
)
CONDITIONS = frozenset(_words("if unless were_to provided suppose assuming"))
NEGATIONS = frozenset(
    _words(
        """avoided avoid escaped dodged averted not n't never no without denied nor neither false
        isn't hardly untrue rather_than instead"""
    )
)
BREAKS = frozenset(
    _words("but while whereas although though as after before because when since and_so then yet")
)
RELATIVES = frozenset(_words("which who whose that"))
PREPOSITIONS = frozenset(
    _words(
        "to with by against than on for from of into at towards over beside versus vs in off under"
    )
)
ALLOWED_BEFORE = frozenset(_words("like including as said namely"))
PRONOUNS = frozenset(_words("its it their they"))
MODIFIERS = frozenset(
    _words(
        """parent owner maker unit rival supplier partner peer competitor giant subsidiary group
        chipmaker automaker carmaker bank lender retailer arm"""
    )
)
REFERENCES = frozenset(
    _words(
        """it its they their shares stock company chipmaker chip group firm automaker carmaker
        bank lender retailer carrier airline drugmaker maker manufacturer giant oil-major miner
        utility stocks index gauge benchmark scrip counter insurer brewer software that
        heavyweight designer major builder operator developer startup conglomerate"""
    )
)
"""Words by which a sentence speaks of the firm or index of the sentence before it."""
INDEX_WORDS = frozenset(_words("index gauge benchmark average barometer"))
NO_FIRMS = frozenset(
    _words(
        "dollar euro yen pound rupee yuan yield yields oil crude gold bitcoin economy government "
        "inflation rate rates market markets sector fund survey report bank-rate index-fund"
    )
)
"""What "the ..." can mean that is no firm."""
DENIALS = frozenset(
    _words(
        """false untrue bogus erroneous debunked mistaken hoax wrong incorrect inaccurate
        retracted refuted"""
    )
)
OPENINGS = frozenset(
    _words(
        """since so year ytd for this last next on over in during within throughout monday tuesday
        wednesday thursday friday saturday sunday mon tue wed thu fri jan january feb february
        mar march apr april may jun june jul july aug august sep sept september oct october nov
        november dec december yesterday today earlier pre premarket before after extended
        postmarket post early morning intraday midday mid midmorning lunchtime afternoon late
        at session opened between one two three four five six seven eight nine ten eleven
        twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty
        forty fifty sixty seventy eighty ninety us hk nt a c rs half halved halves halving
        doubled doubles doubling tripled triples tripling quadrupled quadruples quadrupling
        gave give gives giving given came come coming into under worse to put putting puts
        tacked tacking piled packed took take takes taking cut carved was were is are ended
        closed finished settled traded trading share stock shares stocks price target fair
        market equity valuation paper shareholder scrip scrips adr adrs depositary be worth
        valued volume volumes turnover changed needs need has have had room ought set poised
        due going likely bound seen better counter did does do would could should wo ca didn
        doesn don isn wasn weren hasn haven hadn wouldn couldn shouldn won can aren fail failed
        fails failing decline declined declines refuse refused nowhere no not more less than as
        single by up well slightly just far above north upward upwards exceeding topping below
        shy short south fewer close closer nearly almost nigh near approaching about around
        roughly approximately some circa or an approx something pulled pull pulls pulling
        backed stepped sold sell sells selling marked written knocked beaten pushed clawed
        claws clawing fought picked picks picking minus plus capitalised capitalized brace
        braced braces bracing scope hope hopes hoped warn warns warned warning fear fears
        feared risk chance prospect threat possibility look looks the yet contrary stopped
        rather instead erroneously wrongly mistakenly falsely point points pointed pointing
        indicated worst headed heading primed hoping face faces tipped call calls odds"""
    )
)
"""Words that can begin a phrase, a time or a figure; a test holds that no other does."""
FORWARD_NOUNS: dict[str, int] = {
    **dict.fromkeys(
        _words(
            """worse poorer lighter loser faller decliner laggard hit haircut blow beating
            hammering mauling"""
        ),
        DOWN,
    ),
    **dict.fromkeys(
        _words("better richer heavier gainer riser advancer winner bump boost lift spurt fillip"),
        UP,
    ),
}
"""Nouns of direction only behind a figure: took a 5% hit."""
ASIDE = frozenset(
    _words(
        """unlike besides excluding barring alongside holding holds owning owns tracking tracks
        includes"""
        "containing backing supplying hedging shorting"
    )
)
"""What stands before a name that the sentence does not speak of."""
TRANSITIVE: dict[str, int] = {
    **dict.fromkeys(_words("lifted boosted propelled hoisted lifting boosting propelling"), UP),
    **dict.fromkeys(_words("dented dinged docked"), DOWN),
}
"""Verbs of which a name right behind them is the object: lifted Apple 3%."""
LOSSES = frozenset(
    _words("loss losses decline declines drop fall slide gain gains rise advance jump rally surge")
)
"""What is pared, trimmed or extended to a figure, and has then that size."""
AFTER_FIGURES = frozenset(
    _words(
        """a an the its after early late amid despite following ahead overnight recently alone
        already earlier total altogether overall further again there then across through per
        without premarket afterwards intraday today outright or too either each apiece here
        home abroad midway mid-session thereafter because once whereas even only on when where
        if post-market pre-market pre-open so also still at points at-close in-the-red"""
    )
)
"""Words that can stand behind a figure which says how far a price moved."""
COMPANY_FORMS = frozenset(
    _words("inc corp ltd plc co ag se nv sa group holdings company corporation")
)
AUXILIARIES = frozenset(
    _words(
        """is are was were be been has have had did does do then also itself today meanwhile alone
        still again now later closed ended finished opened traded ending closing finishing
        trading saw sees suffered posted seen sharply even each both all already just so only
        went goes sent got get gets led fared kept continued extended dragged pushed took ran
        hit up"""
    )
)
"""Words between a name and its verb that leave the name the subject."""
