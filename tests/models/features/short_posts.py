"""Short posts in Latin letters: on which the rules of the language were chosen, others, and English ones.

All were written for these tests, many as people type them: without accents, or romanised.
"""

CHOSEN_ON = """
Estoy cansado de todo esto
El servicio es horrible
Me encanta este producto
No me gusta nada
Qué asco de comida
Gracias por todo amigos
Hoy es un dia perfecto
La batteria non funziona
Che brutta giornata oggi
Sono molto felice
Mi piace tanto
Grazie mille a tutti
Das Essen war schlecht
Der Service ist super
Ich hasse Montage
Das ist mir egal
Ik hou van jou
Dit is echt slecht
Wat een mooie dag
Je deteste ce magasin
Merci pour votre aide
Le service est nul
Quelle belle surprise
Eu amo esse lugar
Que dia horrivel
Obrigado pela ajuda
Jestem bardzo smutny
Dziekuje za pomoc
Jsem velmi rad
Bugun cok mutluyum
Seni seviyorum
Aku sangat marah
Terima kasih banyak
Barang ini rosak teruk
Maraming salamat po
Galit na galit ako
Toi rat buon
Cam on ban nhieu
yeh product bilkul bekar hai
mujhe yeh bahut pasand hai
tum kahan ho yaar
arigatou gozaimasu
watashi wa kanashii
neomu haengbokhae
Olen todella vihainen
Kiitos avusta
Jeg er meget glad
Tack for hjalpen
Sunt foarte fericit
Nagyon szomoru vagyok
Qué rabia me da
No puedo mas con esto
Feliz cumple hermano
Vaya mierda de partido
Mañana no trabajo
Trop content de te voir
Quel match de fou
Je suis mort de rire
Train en retard encore
Bon courage les amis
Bin so wütend gerade
Was will man mehr
Endlich Feierabend
Die Bahn kommt nie
So ein toller Abend
Non ce la faccio più
Ma che bella giornata
Treno in ritardo ancora
Buon compleanno amore
Sono arrabbiato nero
Que saudade de casa
To muito feliz hoje
Odeio acordar cedo
Bom dia galera
Nao aguento mais isso
Wat een rotdag weer
Ik ben zo blij
Want dit is niet leuk
Lekker weer vandaag
Trein alweer te laat
Jag blir så arg
Vilken underbar dag
Orkar inte mer nu
Grattis till segern
Det var en bra match
Jeg er så sliten
For en fin dag
Hater mandager
Gratulerer med dagen
Bussen er sen igjen
Jeg elsker det her
Sikke en lortedag
Toget er forsinket igen
Tak for hjælpen
Godt gået drenge
Olen niin väsynyt
Ihana päivä tänään
Ei jaksa enää
Onnea voittajille
Juna taas myöhässä
Ale jestem zly
Kocham ten film
Mam dosc tego wszystkiego
Piekny dzien dzisiaj
Wszystkiego najlepszego
To je hruza
Mam te rad
Dneska je krasne
Uz me to nebavi
Vlak ma zase zpozdeni
Nagyon boldog vagyok ma
Utalom a hetfot
Ez borzalmas volt
Szep napot mindenkinek
Boldog szulinapot
Ce zi frumoasa
Mi-e dor de tine
Nu mai suport
La multi ani prietene
Serviciul este groaznic
Çok sinirliyim
Bugun hava cok guzel
Artik dayanamiyorum
Iyi ki dogdun
Nefret ediyorum bundan
Aku capek banget hari ini
Senang sekali rasanya
Pelayanannya buruk sekali
Selamat ulang tahun kak
Macet lagi macet lagi
Hom nay vui qua
Minh met qua roi
Chuc mung sinh nhat
Do an te qua
Yeu em nhieu lam
Ang saya saya ko
Nakakainis talaga
Miss na kita
Sobrang pagod ako
Mahal kita palagi
Nimefurahi sana leo
Nimechoka kabisa
Asante sana rafiki
Chakula kibaya sana
Nakupenda sana
bahut gussa aa raha hai
kya mast gaana hai
main bahut khush hoon
yaar mood kharab hai
shukriya bhai log
""".strip().split("\n")

UNSEEN = """
Vengo del trabajo muerta
Te quiero mucho abuela
Otra vez lunes
Me duele la cabeza
J'ai trop faim la
Il fait moche aujourd'hui
Allez les bleus
Ras le bol de tout ca
Hab keine Lust mehr
Alles Gute zum Geburtstag
Was für ein Spiel
Mir ist so kalt
Che schifo di servizio
Ti voglio bene
Forza ragazzi
Perdido no metro de novo
Parabens pela vitoria
Que vergonha
Geen zin in morgen
Gefeliciteerd met de winst
Wat jammer zeg
Vad trevligt att se dig
Usch vad kallt det ar
Heia Norge
Dette er helt sinnssykt
Hvor er det bare synd
Tillykke med sejren
Voi ei taas
Mika ihana peli
Brawo chlopaki
Nie lubie poniedzialkow
To je super zprava
Gratuluju vam
Annyira faradt vagyok
Gyonyoru gol
Ce meci frumos
Sunt obosit rau
Harika bir gol
Cok yorgunum ya
Aduh capek sekali
Mantap gol nya
Benci banget sama dia
Buon qua di
Doi bung qua
Dep trai the
Ang ganda naman
Kainis ang traffic
Salamat sa inyo
Habari za asubuhi
Nina njaa sana
kya baat hai bhai
mera phone kho gaya
bahut bura laga
sugoi desu ne
mou tsukareta
Bas sam ljut
Volim te puno
Estic molt cansat
Olen vasinud
Labai gera diena
Saya lapar gila
Ek is so moeg
jinjja daebak
saranghae oppa
""".strip().split("\n")

ENGLISH = """
so angry!
omg lol
great job team
lol
haha
wow
congrats mate
worst. airline. ever.
happy birthday bro
so tired today
miss u so much
poor service
flight delayed again
absolute legend
what a game
goal!!!
best day ever
rip legend
sad news
boring movie
awesome show tonight
stupid bus late again
battery died again
free pizza friday
yay!!
ugh mondays
nope
feeling blessed
cute puppy
beautiful sunset
terrible customer support
refund please
app keeps crashing
mood
same
no way
amazing goal messi
well played lads
sick burn
fuck this
shut up idiot
traffic jam again
hungry af
coffee first
game over
power outage downtown
earthquake!
roads flooded
stay safe everyone
gutted
""".strip().split("\n")
