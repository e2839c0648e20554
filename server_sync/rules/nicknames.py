"""Short forms by which people are called, in the languages of most rolls: whoever is asked for by one may bear another.

Each line is one name with its forms; a form may stand in several (Alex). Only what is usual, so that it helps and does
not flood: forms that are a beginning of the name (Dan, Ben) are found anyway, but stand here for the other direction.
"""

from __future__ import annotations

from typing import Final

_LINES: Final = """
abigail abby gail|abraham abe bram|adelaide addie heidi|albert al bert|alexander alex alec sandy xander sasha
alexandra alex sandra sandy sasha lexi|alfred al alf fred|alice ally|allison alison ali allie|amanda mandy
andrew andy drew|andreas andi|angela angie|anastasia ana stacy nastya|ann anne anna annie nan nancy|anthony tony ant
antonio tonio tony|archibald archie|arthur art|augustus gus|barbara barb babs|bartholomew bart|beatrice bea trixie
benjamin ben benny|bernard bernie|bradley brad|bridget biddy bridie|calvin cal|carolyn caroline carol carrie lynn
cassandra cass cassie sandra|catherine katherine kathryn katharine kate katie kathy cathy kitty kit katya
cecilia cissy celia|charles charlie chuck chas carl|charlotte lottie charlie|christian chris
christina christine chris chrissy tina|christopher chris kit topher|clarence clare|clifford cliff|constance connie
cynthia cindy|daniel dan danny|david dave davy|deborah debra deb debbie|dennis denny|dmitri dima mitya
dominic dom nick|donald don donnie|dorothy dot dottie dolly|douglas doug|edith edie|edmund ed eddie ted ned
edward ed eddie ted teddy ned|eleanor elinor ellie nell nora lenore
elizabeth elisabeth liz lizzie liza eliza beth betty betsy bess libby lisa elsie|emily em emmy|emma em emmy
ernest ernie|eugene gene|evelyn evie eve|ezekiel zeke|florence flo flossie|frances fran fanny frankie
francis frank frankie|francisco paco pancho|frederick fred freddie fritz|gabriel gabe|gabriella gabrielle gabby ella
genevieve gen ginny|geoffrey jeffrey geoff jeff|george georgie|gerald gerard gerry jerry|giuseppe peppe beppe
giovanni gianni|gregory greg|guillermo memo|gwendolyn gwen|harold hal harry|helen nell nellie lena|henry hank harry hal
herbert bert herb|howard howie|ignacio nacho|irene rene|isaac ike zac|isabella isabel isabelle bella izzy belle
ivan vanya|jacob jake|jacqueline jackie|james jim jimmy jamie jem|jane janie jenny|janet jan|jean jeanie
jennifer jen jenny jenna|jeremiah jeremy jerry|jessica jess jessie|johannes hannes hans|john jack johnny jon
jonathan jon jonny nathan|joseph joe joey|josephine jo josie|jose pepe|joshua josh|judith judy jude|julia julie jules
julian jules|katarina kata|kenneth ken kenny|kimberly kim|laura laurie|lawrence laurence larry laurie
leonard len leo lenny|leonardo leo|lillian lilian lily lil|louis lewis lou louie|louise lou|lucille lucy
luis lucho|madeline madeleine maddie|magdalena lena magda|marcus marc mark|margaret maggie meg megan peggy marge margie
maria mary marie mia mimi molly polly|martha marty patty|martin marty|matilda tilda tilly|matthew matt matty
maureen mo|maximilian max|maxwell max|melanie mel|melissa mel missy|michael mike mick mickey micky mikey misha
michelle shelly|mikhail misha|mildred millie|miranda randy mandy|miriam mimi|mohammed muhammad mohamed mohammad mo
nathaniel nathan nate nat|natalia natalie nat natasha|nicholas nicolas nick nicky niko|nicole nicola nicky
norman norm|olivia liv livvy|oliver ollie|oscar ozzy|pamela pam|patricia pat patty tricia trish|patrick pat paddy rick
pavel pasha|penelope penny nell|peter pete|philip phillip phil pip|priscilla cilla|rachel rae shelly
raymond ray|rebecca becky becca|reginald reg reggie|richard dick rick ricky rich richie ritchie
robert bob bobby rob robbie robby bert rupert|roberta bobbie|rodney rod|roland rollo|ronald ron ronnie
rosemary rose rosie romy|rudolph rudy|russell russ|ruth ruthie|salvatore sal|samantha sam sammy|samuel sam sammy
sarah sara sally sadie|sebastian seb bastian|sergei seryozha|sidney sid|sofia sophia sophie sonya|solomon sol
stanley stan|stephanie steph stevie|stephen steven stephan steve stevie|susan suzanne susanna sue susie suzy
svetlana sveta|tabitha tabby|tatiana tanya|teresa theresa terry tess tessa resi|terence terry|theodore ted teddy theo
thomas tom tommy|timothy tim timmy|valerie val|veronica ronnie vera|victor vic|victoria vicky tori
vincent vince vinnie|virginia ginny ginger|vladimir vova volodya|walter walt wally|wilhelmina mina minnie
william will bill billy willy liam willie|winifred win winnie freddie|xavier xavi|yevgeny zhenya
zachary zachariah zack zach zac
"""


def _table() -> dict[str, tuple[str, ...]]:
    forms: dict[str, set[str]] = {}
    for line in _LINES.replace("\n", "|").split("|"):
        together = line.split()
        for form in together:
            forms.setdefault(form, set()).update(other for other in together if other != form)
    return {form: tuple(sorted(others)) for form, others in forms.items()}


_OTHERS: Final = _table()


def nicknames(word: str) -> tuple[str, ...]:
    """The other forms of the folded first name *word*, in order; none for one that has no usual ones."""
    return _OTHERS.get(word, ())
