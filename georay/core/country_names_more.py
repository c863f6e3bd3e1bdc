"""Names of countries that no source lists: abbreviations, former names, names of parts of a "
"country.

One line a code, names apart by `|`. A name that meant more than one of today's countries is absent.
"""

from collections.abc import Mapping
from types import MappingProxyType

MORE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "AE": "VAE|V.A.E.|Trucial States|Trucial Oman|Trucial Coast|阿联酋",
        "AM": "Hayastan",
        "AQ": "Antarctic",
        "AS": "US Samoa|Eastern Samoa|American Samoan",
        "AT": "Tirol",
        "AU": "Ashmore and Cartier Islands|Coral Sea Islands|Van Diemen's Land|Lord Howe Island",
        "AZ": "Nagorno-Karabakh|Artsakh",
        "BA": "Bosnie|Bosnien|Bosnië|Bosna|Босния|Bósnia|Bosnia|BiH|波黑|Bosna i Hercegovina",
        "BD": "East Pakistan",
        "BE": "Vlaanderen|Wallonie|Flandern|Flandre",
        "BF": "Burkina|Upper Volta|Haute-Volta",
        "BJ": "Dahomey|Dahomé",
        "BL": "Saint-Barth|St. Barts|Saint Barts|St Barths",
        "BN": "Brunei Darussalam",
        "BQ": "Dutch Caribbean|"
        "Bonaire|Saba|Sint Eustatius|Bonaire, Saint Eustatius and Saba|BES Islands|"
        "Caribisch Nederland",
        "BW": "Bechuanaland",
        "BY": "Белоруссия|Bielorrusia|Bielorrússia|Bielorussia|"
        "Belorussia|Byelorussia|White Russia|Weißrussland|Biélorussie|Wit-Rusland",
        "BZ": "British Honduras",
        "CA": "Québec province|Quebec|Québec|Acadia",
        "CC": "Keeling Islands",
        "CD": "Zaire|Zaïre|Belgian Congo|Congo Free State|Congo Belge|RDC|DR Kongo|DRK|"
        "Democratic Republic of Congo|Kongo-Kinshasa",
        "CF": "CAR|Ubangi-Shari|Oubangui-Chari|RCA",
        "CG": "Republic of Congo|Congo Republic|Middle Congo|French Congo|Moyen-Congo|Kongo|Конго|"
        "Κονγκό|コンゴ|刚果|剛果|콩고|الكونغو|कांगो|Kongó|Kongon tasavalta|کنگو|คองโก|Конґо",
        "CH": "Svizra",
        "CI": "Ivoryan|Ivorian",
        "CK": "Hervey Islands",
        "CL": "Easter Island|Rapa Nui|Isla de Pascua",
        "CN": "Yangtze Delta|Pearl River Delta|Inner Mongolia|Nei Mongol|Xinjiang Uyghur|"
        "Red China|Manchuria|East Turkestan|PR China|China PR|P.R. of China|China, P.R.: Mainland",
        "CY": "North Cyprus|TRNC|KKTC|Turkish Republic of Northern Cyprus|Akrotiri|Dhekelia|"
        "Akrotiri and Dhekelia",
        "CZ": "Tschechei|Bohemia|Moravia|Czech",
        "DE": "Bayern|Sachsen|Bavière|Baviera|"
        "West Germany|East Germany|GDR|FRG|DDR|BRD|German Democratic Republic|"
        "Federal Republic of Germany",
        "DJ": "French Somaliland|Afars and Issas|French Territory of the Afars and the Issas",
        "EC": "Galápagos Islands|Galapagos",
        "EG": "Nile Delta|Suez Canal",
        "EH": "Spanish Sahara|Sahrawi Arab Democratic Republic|SADR|Río de Oro",
        "ES": "Catalunya|Cataluña|Katalonien|Catalogne|Andalucía|Euskadi|País Vasco|Canarias|"
        "Каталония|"
        "Balearic Islands|Balearics|Basque Country|Canaries|Ceuta|Melilla|España",
        "ET": "Abyssinia|Abyssinie|Abessinien",
        "FK": "Falklands|Malvinas|Las Malvinas",
        "FO": "Faroes|Faeroes|Faeroe Islands",
        "FR": "Bretagne|Normandie|Île-de-France|Provence|Korsika|"
        "Normandy|Corse|French Republic|République française|法兰西|法蘭西|Pháp|"
        "Metropolitan France|Mainland France|Clipperton Island",
        "GB": "Gales|País de Gales|Pays de Galles|Galles|Irlande du Nord|Irlanda del Norte|"
        "Irlanda do Norte|Irlanda del Nord|Nordirland|Noord-Ierland|Северная Ирландия|"
        "北アイルランド|북아일랜드|北爱尔兰|北愛爾蘭|"
        "Britain|G.B.|Ulster|British Isles|Great Britain and Northern Ireland|"
        "Angleterre|Inglaterra|Inghilterra|Англия|İngiltere|Engeland|英国|英國",
        "GE": "South Ossetia|South Ossetian|Abkhazia|Adjara|Ajaria|Tskhinvali Region",
        "GF": "French Guyana|Guyane|Guyane française",
        "GH": "Gold Coast",
        "GL": "Kalaallit Nunaat",
        "GN": "French Guinea|Guinea-Conakry|Guinée-Conakry",
        "GQ": "Spanish Guinea|Río Muni|Fernando Po",
        "GR": "Ellada|Kreta|Crète|Creta",
        "GS": "South Georgia|South Georgia and the Islands",
        "GW": "Portuguese Guinea",
        "GY": "British Guiana",
        "HK": "中国香港|中國香港|香港|HKSAR|Hongkong|Hong Kong S.A.R.",
        "HT": "Saint-Domingue",
        "ID": "Bali|Java|Dutch East Indies|Netherlands East Indies|Netherlands Indies|Celebes",
        "IE": "Irish Free State|Éire|ROI|Southern Ireland",
        "IL": "State of Israel",
        "IO": "Chagos|Diego Garcia",
        "IQ": "Mesopotamia|Iraqi Kurdistan|Kurdistan Region",
        "IR": "Persia|Perse|Persien",
        "IT": "Toscana|Sicilia|Sardegna|Toskana|Sizilien|Sardinien|Sicile|Sardaigne|Сицилия",
        "JO": "Transjordan|Trans-Jordan",
        "JP": "Okinawa|Hokkaidō|Honshu|Kyushu|Shikoku|Ryukyu Islands|日本国|Nippon-koku",
        "KG": "Киргизия|Kirghizia|Kirgizia",
        "KH": "Khmer Republic|Democratic Kampuchea|Cambodge",
        "KI": "Gilbert Islands",
        "KM": "Comoro Islands",
        "KN": "St. Christopher and Nevis|Saint Christopher-Nevis|Saint Kitts|St Kitts",
        "KP": "북조선|朝鮮民主主義人民共和国|"
        "Corée du Nord|RPD Korea|"
        "Democratic Republic of Korea|PDR Korea|Korea DPR|DPR of Korea|RPDC|КНДР|北韓|北韩",
        "KR": "大韓民國|大韩民国|南朝鲜|南朝鮮|R.O. Korea|"
        "Corée|Coreia|Корея|Κορέα|كوريا|कोरिया|Kore|Coreea|Koreja|Kórea|Koreya|Coréia|"
        "Corea|Koreo|Korean Republic|韩国|韓國|南韩|南韓|남한|Südkorea|ROK",
        "KY": "Caymans",
        "LA": "Lao|Lao PDR|寮国|寮國",
        "LK": "Ceylon|Ceylan|Sri Lanka (Ceylon)",
        "LS": "Basutoland",
        "LY": "Libyan Arab Jamahiriya|Jamahiriya",
        "MA": "Al-Maghrib|Maghrib",
        "MD": "Молдавия|Moldavia|Bessarabia|Transnistria|Pridnestrovie",
        "MF": "Saint Martin (French part)|French Saint Martin|St. Martin",
        "MG": "Malagasy Republic",
        "MH": "Marshalls",
        "MK": "FYROM|FYR Macedonia|TFYR Macedonia|TFYROM|Macedonia|"
        "Former Yugoslav Republic of Macedonia|The former Yugoslav Republic of Macedonia",
        "ML": "French Sudan|Soudan français",
        "MM": "Burmah|Union of Burma",
        "MN": "Outer Mongolia|Монгол улс",
        "MO": "中国澳门|中國澳門|Macao SAR|Macau SAR|MSAR",
        "MP": "CNMI|Northern Marianas|Saipan",
        "MV": "Maldive Islands",
        "MW": "Nyasaland",
        "MY": "Malaya|Sarawak|Sabah|British Malaya|British North Borneo|East Malaysia",
        "MZ": "Portuguese East Africa",
        "NA": "South West Africa|South-West Africa|German South West Africa",
        "NC": "Kanaky",
        "NG": "Niger Delta|Niger State|Biafra|Federal Republic of Nigeria",
        "NL": "Hollande|Holanda|Голландия|Olanda|Hollanda",
        "NZ": "Aotearoa New Zealand",
        "OM": "Muscat and Oman",
        "PA": "Panama Canal Zone",
        "PF": "Tahiti",
        "PG": "Bougainville|New Guinea|British New Guinea",
        "PK": "West Pakistan|Azad Kashmir",
        "PL": "Rzeczpospolita Polska",
        "PM": "Miquelon|Saint-Pierre",
        "PS": "Occupied Palestinian Territories|"
        "West Bank|Gaza|Gaza Strip|The Gaza Strip|West Bank and Gaza|West Bank & Gaza Strip|"
        "West Bank and Gaza Strip|Palestinian Territory|Occupied Palestinian Territory|OPT|"
        "Palestinian Territory, Occupied|Palestine, State of|Palestinian Authority|"
        "Occupied Territories|Palestina|Palestine|Палестина|パレスチナ|巴勒斯坦|팔레스타인|"
        "فلسطين|फिलिस्तीन|Filistin|Palästina|פלסטין|Παλαιστίνη|Palestyna",
        "PT": "Azores|Açores|Madeira",
        "PW": "Belau|Pelew",
        "RU": "Сибирь|Sibirien|Sibérie|"
        "Soviet Russia|RSFSR|RF|Russian SFSR|Chechnya|Tatarstan|Siberia|Dagestan",
        "SA": "KSA|沙特|沙烏地|Hejaz",
        "SB": "British Solomon Islands|Solomons",
        "SH": "Saint Helena|St Helena|Ascension|Ascension Island|Tristan da Cunha|"
        "Saint Helena, Ascension and Tristan da Cunha",
        "SJ": "Svalbard|Spitsbergen|Jan Mayen",
        "SO": "Somaliland|Puntland|Italian Somaliland|British Somaliland",
        "SR": "Dutch Guiana|Netherlands Guiana|Surinam",
        "SS": "Sud-Soudan|Soudan du Sud|Southern Sudan",
        "SX": "Sint Maarten (Dutch part)|Dutch Sint Maarten|St Maarten|Sint-Maarten",
        "SY": "Syrian",
        "SZ": "Kingdom of eSwatini|Swasiland",
        "TH": "Siam|暹罗",
        "TL": "Portuguese Timor|East Timor",
        "TM": "Туркмения|Turkmenia",
        "TR": "Anatolia|Asia Minor",
        "TT": "Trinidad|Tobago|T&T|T & T",
        "TV": "Ellice Islands",
        "TW": "Formosa|Chinese Taipei|中国台湾|中國台灣|中华台北|中華台北|中華民國|中华民国|"
        "Taipei, China|"
        "Taiwan, Province of China|Taiwan (Province of China)|Taiwan ROC|臺灣",
        "TZ": "Tanganyika|Zanzibar",
        "UA": "Крым|Krim|Crimée",
        "UM": "Wake Island|Midway Islands|Midway|Johnston Atoll|Howland Island|Baker Island|"
        "Jarvis Island|Palmyra Atoll|Kingman Reef|Navassa Island",
        "US": "U.S. of America|Etats-Unis|"
        "State of Georgia|New England|Estados Unidos|"
        "US of A|U.S. of A.|the States|United States of A.|Stateside|Estados Unidos da América|"
        "Estados Unidos de América|Estados Unidos de Norteamérica|États-Unis d'Amérique|"
        "Соединённые Штаты Америки|Соединенные Штаты Америки|Vereinigte Staaten von Amerika|"
        "Stati Uniti d'America|美利坚合众国|Amerika Birleşik Devletleri",
        "VA": "Holy See|Vatican|Vatican City State|Vaticano|Holy See (Vatican City State)",
        "VC": "St. Vincent|Saint Vincent|St Vincent & Grenadines|SVG",
        "VG": "BVI|UK Virgin Islands|GB Virgin Islands|British Virgin Islands",
        "VI": "US Virgin Islands|American Virgin Islands|Danish West Indies|Virgin Islands (U.S.)",
        "VN": "Mekong Delta|North Vietnam|South Vietnam|Annam|Tonkin|Cochinchina|South Viet Nam|"
        "North Viet Nam",
        "VU": "New Hebrides|Nouvelles-Hébrides",
        "WF": "Futuna|Wallis",
        "WS": "Western Samoa|German Samoa",
        "XK": "Kosovo and Metohija|Kosovo (UNSCR 1244)|Kosovo under UNSCR 1244|Косово",
        "YE": "North Yemen|South Yemen|Aden|PDR Yemen|Yemen Arab Republic|"
        "People's Democratic Republic of Yemen",
        "ZA": "RSA|Union of South Africa|Transvaal|Transkei|Orange Free State",
        "ZM": "Northern Rhodesia",
        "ZW": "Rhodesia|Southern Rhodesia|Zimbabwe Rhodesia",
    }
)

_SPORTS_TEXT = (
    "ALG=DZ ANG=AO ANT=AG ARU=AW ASA=AS BAH=BS BAN=BD BAR=BB BER=BM BHU=BT BIZ=BZ BOT=BW "
    "BRU=BN BUL=BG BUR=BF CAM=KH CAY=KY CGO=CG CHA=TD CHI=CL CRC=CR CRO=HR CTA=CF DEN=DK "
    "EQG=GQ ESA=SV FIJ=FJ GAM=GM GBS=GW GEQ=GQ GER=DE GRE=GR GRN=GD GUA=GT GUI=GN HAI=HT "
    "HON=HN INA=ID IRI=IR ISV=VI IVB=VG KOS=XK KSA=SA KUW=KW LAT=LV LBA=LY LBR=LR LES=LS "
    "LIB=LB MAD=MG MAS=MY MAW=MW MGL=MN MON=MC MRI=MU MTN=MR MYA=MM NCA=NI NED=NL NEP=NP "
    "NGR=NG NIG=NE OMA=OM PAR=PY PHI=PH PLE=PS POR=PT PUR=PR ROU=RO RSA=ZA SAM=WS SCO=GB "
    "ENG=GB WAL=GB NIR=GB SEY=SC SIN=SG SKN=KN SLO=SI SOL=SB SRI=LK STP=ST SUD=SD SUI=CH "
    "TAH=PF TAN=TZ TGA=TO TOG=TG TPE=TW TRI=TT UAE=AE URU=UY VAN=VU VIE=VN VIN=VC ZAM=ZM "
    "ZIM=ZW"
)
# Codes in sports tables that differ from ISO 3166-1 alpha-3; in capitals only.
SPORTS_CODES: Mapping[str, str] = MappingProxyType(
    {code3: code for code3, _, code in (pair.partition("=") for pair in _SPORTS_TEXT.split())}
)

# Names that sources give to one country but that name none, or more than one, of today.
NO_ONE_COUNTRY = frozenset(
    {
        "Austria-Hungary",
        "Baltic",
        "Czechoslovakia",
        "Czechoslovak",
        "Indochina",
        "Kurdistan",
        "EU",
        "Netherlands Antilles",
        "Dutch Antilles",
        "Ottoman Empire",
        "Prussia",
        "Serbia and Montenegro",
        "Soviet",
        "Soviet Union",
        "Union of Soviet Socialist Republics",
        "USSR",
        "United Arab Republic",
        "Yugoslav",
        "Yugoslavia",
    }
)
