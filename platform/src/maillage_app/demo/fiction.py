"""Invented people, businesses, addresses and numbers: always the same for the same seed, and nobody's.

Telephone numbers come from the blocks that the numbering plan keeps for works of fiction (ARCEP, decision 2018-0881):
nobody has them. Only the five geographic blocks are used: `phonenumbers`, which checks every number that enters, refuses
the mobile one (06 39 98). SIREN begin with 000, which the register gives to no business; their checksum is right.
"""

import itertools
import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import combining, normalize

from maillage_kit.registers import luhn_ok

FICTION_BLOCKS = ("019900", "026191", "035301", "046571", "053649")
MOBILE_FICTION_BLOCK = "063998"
BLOCK_SIZE = 10_000

WOMEN = (
    "Adèle Agathe Alice Amandine Amélie Anaïs Anne Aurélie Aïcha Béatrice Camille Caroline Catherine Cécile Céline "
    "Chantal Charlotte Chloé Christine Claire Clara Clémence Colette Coralie Danielle Delphine Élise Élodie Émilie Emma "
    "Estelle Eugénie Fanny Fatima Florence Françoise Gaëlle Geneviève Hélène Inès Isabelle Jacqueline Jeanne Josiane "
    "Judith Julie Juliette Justine Karine Khadija Laetitia Laure Laurence Léa Léonie Lina Louise Lucie Madeleine Manon "
    "Margaux Marie Marion Marthe Mathilde Mélanie Michèle Monique Morgane Myriam Nadia Nathalie Noémie Océane Odile "
    "Pauline Rachel Romane Rose Sabrina Sandrine Sarah Simone Sophie Suzanne Sylvie Thérèse Valérie Véronique Virginie "
    "Yasmine Yvette Zoé"
).split()
MEN = (
    "Adrien Alain Alexandre Amine André Antoine Arnaud Arthur Aurélien Baptiste Bastien Benjamin Benoît Bernard Bilal "
    "Bruno Cédric Charles Christian Christophe Clément Damien Daniel David Denis Didier Dominique Émile Emmanuel Éric "
    "Étienne Fabien Fabrice Farid Florian Francis François Frédéric Gabriel Gaël Georges Gérard Gilles Grégory Guillaume "
    "Guy Hassan Henri Hugo Ibrahim Jacques Jean Jérémy Jérôme Joël Jonathan Jordan Joseph Julien Karim Kévin Laurent "
    "Léo Loïc Louis Luc Lucas Ludovic Marc Marcel Mathieu Maurice Maxime Mehdi Michel Mickaël Nathan Nicolas Noël "
    "Olivier Pascal Patrick Paul Philippe Pierre Quentin Rachid Raphaël Raymond Rémi René Robert Romain Samuel Sébastien "
    "Serge Simon Stéphane Sylvain Théo Thibault Thierry Thomas Valentin Victor Vincent Xavier Yann Yves Youssef"
).split()
FAMILY_NAMES = (
    "Auber Auvray Bailleul Barbier Baudry Benali Benard Berger Bertin Blondel Bocquet Boucher Boulanger Bourdon Brunet "
    "Buisson Burel Cadet Canu Caron Carpentier Chevallier Cordier Costa Cousin Crevel Da_Silva Damiens Dauvergne Delamare "
    "Delaunay Delahaye Deschamps Desmarest Diallo Doublet Dubosc Dubuc Duhamel Dujardin Dumont Dupré Duval Fauvel Ferrand "
    "Ferreira Feuillet Fleury Fontaine Fournier Fréret Gallais Garnier Gaudin Gilles Godefroy Gosselin Gosset Gueroult "
    "Guérard Guilbert Haddad Hamel Hauchecorne Hébert Henry Hervieux Hue Huet Jourdain Kaya Lacaille Lambert Lamy Langlois "
    "Lebas Leblond Lebourgeois Lebreton Lecat Leclerc Lecointre Lecomte Lefebvre Lefèvre Lefort Legendre Leger Legrand "
    "Lemaître Lemarchand Lemoine Lemonnier Lepage Leroux Leroy Lesueur Letellier Levasseur Levavasseur Lheureux Lucas "
    "Mabire Maillard Malandain Mallet Marais Marchand Marie Martel Masson Mendy Mercier Morel Morin Mulot Nguyen Noël "
    "Osmont Ouvry Panel Paris Pelletier Perier Petit Picard Pinel Poirier Poulain Prévost Prieur Quesnel Quibel Renault "
    "Ricard Rivière Robine Rousseau Roussel Saillard Saunier Sénécal Simon Soudry Tanguy Tessier Thibaut Thierry Thomas "
    "Toutain Traoré Turpin Vallée Vasseur Vasse Verdier Vidal Vigneron Villette Vivier Voisin Yilmaz"
).split()
STREETS = tuple(
    name.strip()
    for name in (
        "rue de l’Église; rue de la Mairie; rue du Moulin; rue des Écoles; rue de la Gare; rue du Stade; rue de la Poste; "
        "rue des Tilleuls; rue des Lilas; rue des Peupliers; rue du Lavoir; rue du Four; rue de la Forge; rue des Potiers; "
        "rue de Verdun; rue du 11-Novembre; rue du 8-Mai-1945; rue Jean-Jaurès; rue Victor-Hugo; rue Pasteur; rue Carnot; "
        "rue de la République; rue Saint-Pierre; rue Saint-Jacques; rue Notre-Dame; rue des Fossés; rue du Marché; "
        "rue de la Fontaine; rue du Calvaire; rue des Pommiers; rue du Pressoir; rue du Clos; rue de la Sablonnière; "
        "rue des Forières; rue du Bout-de-la-Ville; rue Gustave-Flaubert; rue Guy-de-Maupassant; rue Claude-Monet; "
        "rue Pierre-Corneille; rue Marie-Curie; rue Louise-Michel; rue George-Sand; rue Lucie-Aubrac; rue de Normandie; "
        "route de Rouen; route de Paris; route de la Mer; route du Bosc; chemin du Roy; chemin de la Messe; "
        "chemin des Vignes; chemin du Val; chemin de la Mare; impasse des Hirondelles; impasse du Puits; "
        "impasse des Acacias; allée des Bouleaux; allée des Charmes; allée des Érables; avenue de la Libération; "
        "avenue du Général-Leclerc; avenue Aristide-Briand; boulevard de la Marne; place de la Halle; place du Marché; "
        "place de l’Hôtel-de-Ville; quai de la Risle; sente aux Moines; sente du Presbytère; résidence du Parc; "
        "hameau du Mesnil; hameau de la Vallée; hameau du Tilleul; ruelle du Bac; cour du Pressoir; cité Jardin"
    ).split(";")
)
SHOPS = (
    "Boulangerie",
    "Pharmacie",
    "Salon de coiffure",
    "Cabinet dentaire",
    "Restaurant",
    "Librairie",
    "Fleuriste",
    "Opticien",
    "Boucherie",
    "Auto-école",
    "Cabinet vétérinaire",
    "Épicerie",
)
LANDLORDS = ("Habitat du Bocage", "Logis de la Vallée", "Résidences du Plateau", "Toits de l’Estuaire")


@dataclass(frozen=True, slots=True)
class Person:
    first_name: str
    last_name: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def handle(self) -> str:
        """What an e-mail address is made of: `helene.da-silva`."""
        return f"{_plain(self.first_name)}.{_plain(self.last_name)}"


@dataclass(frozen=True, slots=True)
class Town:
    """A place where people live, with its weight."""

    insee: str
    name: str
    postcodes: tuple[str, ...]
    population: int


class Inventor:
    """Invents, from one seed. The same calls in the same order give the same people, on every machine."""

    def __init__(self, seed: str, towns: Sequence[Town] = ()) -> None:
        self.random = random.Random(f"maillage:{seed}")  # noqa: S311 - fiction, not a secret
        self._towns = tuple(towns)
        self._weights = list(itertools.accumulate(town.population for town in self._towns))

    def person(self) -> Person:
        first, last = self.random.choice(WOMEN if self.random.random() < 0.5 else MEN), self.family_name()
        while last == first:
            last = self.family_name()
        return Person(first, last)

    def family_name(self) -> str:
        return self.random.choice(FAMILY_NAMES).replace("_", " ")

    def street_address(self) -> str:
        """`12 bis, rue du Moulin`."""
        number = self.random.randint(1, 90)
        suffix = " bis" if self.random.random() < 0.06 else ""
        return f"{number}{suffix}, {self.random.choice(STREETS)}"

    def town(self) -> Town:
        """A commune, the likelier the more people live there."""
        return self._towns[bisect(self._weights, self.random.randrange(self._weights[-1]))]

    def postcode_of(self, town: Town) -> str:
        return self.random.choice(town.postcodes)


def numbers_of(block: str, *, start: int = 0, end: int = BLOCK_SIZE) -> Iterator[str]:
    """Every E.164 number of a fiction block from `start` to before `end`, once each, in an order that looks like none.

    Raises ValueError for a block that is not kept for fiction or that `phonenumbers` refuses.
    """
    if block not in FICTION_BLOCKS:
        raise ValueError(f"{block} is no fiction block")
    size = end - start
    step = next(step for step in (7919, 6151, 4409) if size % step)
    for index in range(size):
        yield f"+33{block[1:]}{start + (index * step) % size:04d}"


def fictional_siren(index: int) -> str:
    """The nine digits of a business that cannot exist: `000…`, with a right checksum."""
    body = f"000{index:05d}"
    return body + _check_digit(body)


def fictional_siret(siren: str, establishment: int = 1) -> str:
    """The fourteen digits of a place of that business."""
    body = f"{siren}{establishment:04d}"
    return body + _check_digit(body)


def _check_digit(body: str) -> str:
    return next(digit for digit in "0123456789" if luhn_ok(body + digit))


def _plain(name: str) -> str:
    letters = normalize("NFD", name.lower().replace(" ", "-").replace("’", ""))
    return "".join(letter for letter in letters if not combining(letter))
